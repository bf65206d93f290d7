package peers

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"text/template"
)

// RGW is the S3 gateway of a Ceph cluster of one monitor and one store in
// memory, with STS, IAM and the Admin Ops API.
func RGW(t testing.TB) Store {
	t.Helper()
	return rgw.shared(t)
}

var rgw = peer{name: "rgw", variable: "KEYHATCH_RADOSGW", program: "Ceph's radosgw", start: startRGW}

const (
	// rgwUser is the user whose keys the store is used with.
	rgwUser = "keyhatch"
	// rgwRole is a role that this user, and any other, may assume.
	rgwRole = "keyhatch"
)

// cephConfig is for a cluster that loses everything when it ends. What is not
// said here is as Ceph has it.
//
// Changes of the cluster are agreed on at once (paxos), and pools are small:
// Ceph waits for seconds otherwise, again and again, which serves clusters that
// have many monitors and disks.
//
// There are no admin sockets, because a path for one may be too long; the limits
// of free space are low, because the machine's disk is not what the cluster
// stores in. Without tcp_nodelay every small answer takes 40 ms.
var cephConfig = template.Must(template.New("ceph.conf").Parse(`[global]
fsid = {{.FSID}}
keyring = {{.Dir}}/keyring
run dir = {{.Dir}}
crash dir = {{.Dir}}
admin socket =
log file = {{.Dir}}/$name.log
public addr = 127.0.0.1
cluster addr = 127.0.0.1

mon host = {{.Monitor}}
mon data = {{.Dir}}/mon
mon cluster log file = {{.Dir}}/cluster.log
mon data avail warn = 2
mon data avail crit = 1
mon allow pool size one = true
mon max pg per osd = 1000
paxos propose interval = 0.05

osd data = {{.Dir}}/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off

rgw data = {{.Dir}}/rgw
rgw frontends = beast endpoint={{.Gateway}} tcp_nodelay=1
rgw s3 auth use sts = true
rgw sts key = {{.STSKey}}
`))

func startRGW(s *site) (Store, error) {
	c := ceph{site: s}
	store, err := c.start()
	if err != nil {
		return Store{}, fmt.Errorf("ceph: %w", err)
	}
	return store, nil
}

// ceph starts a cluster.
type ceph struct{ *site }

func (c ceph) start() (Store, error) {
	gateway, err := FreeAddress()
	if err != nil {
		return Store{}, err
	}
	if err := c.startMonitor(gateway); err != nil {
		return Store{}, err
	}
	if err := c.startOSD(); err != nil {
		return Store{}, err
	}
	store := Store{Endpoint: "http://" + gateway, Region: "us-east-1", Role: "arn:aws:iam:::role/" + rgwRole}
	store.STS, store.IAM, store.Admin = store.Endpoint, store.Endpoint, store.Endpoint+"/admin"
	if err := c.makeUsers(&store); err != nil {
		return Store{}, err
	}
	if err := c.makeRole(); err != nil {
		return Store{}, err
	}
	return store, c.startDaemon("radosgw", "--name", "client.rgw")
}

// startMonitor makes a cluster whose monitor knows the keys of all that will take
// part, and starts the monitor.
func (c ceph) startMonitor(gateway string) error {
	monitor, err := FreeAddress()
	if err != nil {
		return err
	}
	monitor = "v2:" + monitor
	fsid := uuid()
	var config bytes.Buffer
	if err := cephConfig.Execute(&config, map[string]string{
		"Dir": c.dir, "FSID": fsid, "Monitor": monitor, "Gateway": gateway,
		"STSKey": rand.Text()[:16], // an AES-128 key
	}); err != nil {
		return err
	}
	if err := os.WriteFile(c.path("ceph.conf"), config.Bytes(), 0o600); err != nil {
		return err
	}
	for _, name := range []string{"mon", "osd", "rgw"} {
		if _, err := c.folder(name); err != nil {
			return err
		}
	}
	if err := os.WriteFile(c.path("keyring"), nil, 0o600); err != nil {
		return err
	}
	for _, key := range [][]string{
		{"mon.", "--cap", "mon", "allow *"},
		{"client.admin", "--cap", "mon", "allow *", "--cap", "osd", "allow *"},
		{"osd.0", "--cap", "mon", "allow profile osd", "--cap", "osd", "allow *"},
		{"client.rgw", "--cap", "mon", "allow rw", "--cap", "osd", "allow rwx"},
	} {
		if _, err := c.tool("ceph-authtool", append([]string{c.path("keyring"), "--gen-key", "--name"}, key...)...); err != nil {
			return err
		}
	}
	if _, err := c.tool("monmaptool", "--create", "--fsid", fsid, "--addv", "a", "["+monitor+"]", c.path("monmap")); err != nil {
		return err
	}
	if _, err := c.tool("ceph-mon", "--mkfs", "--id", "a", "--monmap", c.path("monmap")); err != nil {
		return err
	}
	return c.startDaemon("ceph-mon", "--id", "a")
}

// startOSD starts the store that holds the cluster's objects.
func (c ceph) startOSD() error {
	id := uuid()
	if _, err := c.tool("ceph", "osd", "new", id); err != nil {
		return err
	}
	if _, err := c.tool("ceph-osd", "--mkfs", "--id", "0", "--osd-uuid", id); err != nil {
		return err
	}
	return c.startDaemon("ceph-osd", "--id", "0")
}

// makeUsers makes the user and the keeper, and puts their keys into the store's
// description.
func (c ceph) makeUsers(store *Store) error {
	user, err := c.makeUser(
		rgwUser, "--max-buckets", "0", // no limit
		"--caps", "users=*;buckets=*;metadata=*;usage=*;roles=*;user-policy=*;oidc-provider=*",
	)
	if err != nil {
		return err
	}
	store.AccessKeyID, store.SecretAccessKey = user[0], user[1]
	store.Keeper, err = c.makeUser("keeper", "--admin", "--caps", "users=*;user-policy=*;metadata=*")
	return err
}

// makeUser makes a user, and returns its pair.
func (c ceph) makeUser(uid string, more ...string) (pair [2]string, err error) {
	out, err := c.tool("radosgw-admin", append([]string{"user", "create", "--uid", uid, "--display-name", "the tests' " + uid}, more...)...)
	if err != nil {
		return pair, err
	}
	var user struct {
		Keys []struct {
			AccessKey string `json:"access_key"`
			SecretKey string `json:"secret_key"`
		}
	}
	if err := json.Unmarshal(out, &user); err != nil {
		return pair, fmt.Errorf("reading what radosgw-admin tells of a user: %w", err)
	}
	if len(user.Keys) == 0 {
		return pair, errors.New("radosgw-admin made a user without keys")
	}
	return [2]string{user.Keys[0].AccessKey, user.Keys[0].SecretKey}, nil
}

// makeRole makes the role that all users may assume, and that may do everything.
func (c ceph) makeRole() error {
	if _, err := c.tool("radosgw-admin", "role", "create", "--role-name", rgwRole, "--assume-role-policy-doc",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["sts:AssumeRole"]}]}`); err != nil {
		return err
	}
	_, err := c.tool("radosgw-admin", "role-policy", "put", "--role-name", rgwRole, "--policy-name", "all", "--policy-doc",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:*"],"Resource":["arn:aws:s3:::*"]}]}`)
	return err
}

// tool runs one of Ceph's programs to its end.
func (c ceph) tool(name string, args ...string) ([]byte, error) {
	program, err := c.find(name)
	if err != nil {
		return nil, err
	}
	return c.run(program, append([]string{"--conf", c.path("ceph.conf")}, args...)...)
}

// startDaemon starts one of Ceph's servers in the foreground.
func (c ceph) startDaemon(name string, args ...string) error {
	program, err := c.find(name)
	if err != nil {
		return err
	}
	return c.site.start(name, c.command(program, append([]string{"-f", "--conf", c.path("ceph.conf")}, args...)...))
}

// find finds a program of Ceph beside radosgw, or else where programs are.
func (c ceph) find(name string) (string, error) {
	if path, err := exec.LookPath(filepath.Join(filepath.Dir(c.program), name)); err == nil {
		return path, nil
	}
	return exec.LookPath(name)
}

// uuid makes a random UUID (RFC 9562, version 4).
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
