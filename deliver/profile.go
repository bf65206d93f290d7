package deliver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch/deliver/awsconfig"
	"github.com/keyhatch/keyhatch/deliver/textfile"
)

// Profile is a profile of the AWS configuration that gets its leases from a
// command, so that the AWS CLI and everything on an SDK renew them by themselves.
type Profile struct {
	Name string // letters, digits and . _ - / @ + : %
	// Unnamed says that nobody chose the name. A profile that is there under it and gets
	// another lease is then no more to be changed than somebody else's.
	Unnamed bool
	// Command is the program, by its absolute path, and its arguments. It prints what
	// WriteProcess writes.
	Command  []string
	Endpoint string // of S3, and of no other service
	Region   string
}

// ConfigFile is the user's AWS configuration file, and CredentialsFile the file of
// keys beside it, by the variables that SDKs know. getenv is os.Getenv.
func ConfigFile(getenv func(string) string) (string, error) {
	return awsFile(getenv("AWS_CONFIG_FILE"), "config")
}

// CredentialsFile is the user's file of keys.
func CredentialsFile(getenv func(string) string) (string, error) {
	return awsFile(getenv("AWS_SHARED_CREDENTIALS_FILE"), "credentials")
}

func awsFile(set, name string) (string, error) {
	if set != "" && !strings.HasPrefix(set, "~") {
		return set, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	if set != "" {
		return filepath.Join(home, strings.TrimPrefix(set, "~")), nil
	}
	return filepath.Join(home, ".aws", name), nil
}

// TakenProfile is the error of a profile that is there and not ours.
type TakenProfile struct {
	Profile string
	Why     string
}

func (e *TakenProfile) Error() string {
	return fmt.Sprintf("profile %s is not changed: %s; choose another name", e.Profile, e.Why)
}

// WriteProfile writes the profile into the configuration file, which is made (0600)
// when it is missing, or updates it there. All else in the file stays as it is; it
// is replaced whole, keeps its mode, and where it is a symbolic link, what it leads
// to is replaced.
//
// A profile that some other command or key is the source of, or that has something of
// its own where ours would stand, is a TakenProfile, unless replace is set. One that has
// keys, or any of that, in the credentials file is always: it would win.
func WriteProfile(configFile, credentialsFile string, p Profile, replace bool) error {
	command, err := p.check()
	if err != nil {
		return err
	}
	if err := p.keysElsewhere(credentialsFile); err != nil {
		return err
	}
	err = textfile.Edit(configFile, func(text string) (string, error) { return p.into(text, command, replace) })
	var taken *TakenProfile
	if err != nil && !errors.As(err, &taken) {
		return fmt.Errorf("%s: %w", configFile, err)
	}
	return err
}

// into writes the profile into the text of a configuration file.
func (p Profile) into(text, command string, replace bool) (string, error) {
	f := awsconfig.Parse(text)
	section, err := p.section(f)
	if err != nil {
		return "", err
	}
	if replace {
		err = p.clear(f, section)
	} else {
		err = p.mayWrite(f, section)
	}
	if err != nil {
		return "", err
	}
	if err := p.write(f, section, command); err != nil {
		return "", err
	}
	return f.String(), nil
}

// profileName is what every client reads the same way.
var profileName = regexp.MustCompile(`^[A-Za-z0-9._/@+:%-]{1,128}$`)

// CheckProfileName refuses a name that WriteProfile would.
func CheckProfileName(name string) error {
	if !profileName.MatchString(name) {
		return errors.New("a profile's name has letters, digits and . _ - / @ + : %, and at most 128 of them")
	}
	return nil
}

func (p Profile) check() (command string, err error) {
	if err := CheckProfileName(p.Name); err != nil {
		return "", err
	}
	if len(p.Command) == 0 {
		return "", errors.New("a profile needs a command")
	}
	if err := checkEndpoint(p.Endpoint); err != nil {
		return "", err
	}
	if !visible(p.Endpoint) || !visible(p.Region) {
		return "", ErrUnfit
	}
	return quoteCommand(p.Command, runtime.GOOS == "windows")
}

func visible(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '!' || r > '~' })
}

// section is the name of the profile's section. That of the default profile has a short
// name, and some clients take the long one too, or before it.
func (p Profile) section(f *awsconfig.File) (string, error) {
	const short, long = "default", "profile default"
	if p.Name != short {
		return "profile " + p.Name, nil
	}
	_, hasShort, err := f.Section(short)
	if err != nil {
		return "", err
	}
	_, hasLong, err := f.Section(long)
	switch {
	case err != nil:
		return "", err
	case hasShort && hasLong:
		return "", fmt.Errorf("it has [%s] and [%s], of which clients take the one or the other: remove one", short, long)
	case hasLong:
		return long, nil
	}
	return short, nil
}

// services is the name of the section that has the endpoint. A services section says
// it for S3 alone; endpoint_url in a profile would have the calls of every service
// sent to us.
func (p Profile) services() string { return "keyhatch-" + p.Name }

// otherSources are what clients take before a command, or what makes them ignore
// the endpoint.
var otherSources = []string{
	"aws_access_key_id", "aws_secret_access_key", "aws_session_token", "role_arn", "source_profile", "credential_source",
	"web_identity_token_file", "sso_session", "sso_account_id", "sso_role_name", "sso_start_url", "login_session",
	"ignore_configured_endpoint_urls",
}

// mayWrite refuses to change a profile that is not ours, or what in it is not.
func (p Profile) mayWrite(f *awsconfig.File, section string) error {
	s, found, err := f.Section(section)
	if err != nil || !found {
		return err
	}
	for _, name := range otherSources {
		if _, _, has := f.Property(s, name); has {
			return &TakenProfile{p.Name, "it has " + name}
		}
	}
	if _, services, has := f.Property(s, "services"); has && services != p.services() {
		return &TakenProfile{p.Name, "it has services of its own"}
	}
	_, command, has := f.Property(s, "credential_process")
	switch {
	case has && !p.ours(command):
		return &TakenProfile{p.Name, "its credential_process is not keyhatch"}
	case has && p.Unnamed && !p.asks(command):
		return &TakenProfile{p.Name, "it gets another lease, and this one has no name of its own"}
	case has:
		return nil
	case p.Name != "default":
		return &TakenProfile{p.Name, "it is there, and keyhatch did not write it"}
	}
	// The default profile is often there for a region or an output format, and has no
	// source.
	if _, region, has := f.Property(s, "region"); has && region != p.Region {
		return &TakenProfile{p.Name, "it has a region of its own"}
	}
	if style, has := f.Below(s, "s3", "addressing_style"); has && style != addressing {
		return &TakenProfile{p.Name, "it has an addressing_style of its own"}
	}
	return nil
}

// clear takes out of a profile what would keep clients from the command.
func (p Profile) clear(f *awsconfig.File, section string) error {
	for _, name := range otherSources {
		if err := f.Remove(section, name); err != nil {
			return err
		}
	}
	return nil
}

// ours tells whether a command is this program, by its path, by the name that it
// usually has, or by the words after it that no other program has.
func (p Profile) ours(command string) bool {
	program, words := cutProgram(command)
	name := path.Base(strings.ReplaceAll(program, `\`, "/"))
	return program == p.Command[0] || name == "keyhatch" || strings.EqualFold(name, "keyhatch.exe") ||
		strings.HasPrefix(words, "lease ") && slices.Contains(strings.Fields(words), "--output=process")
}

// asks tells whether a command of ours asks for the same lease: the program may have
// moved since, and once left a word out.
func (p Profile) asks(command string) bool {
	own, err := p.check()
	if err != nil {
		return false
	}
	_, now := cutProgram(own)
	_, before := cutProgram(command)
	borrow := strings.NewReplacer("lease borrow ", "lease ")
	return borrow.Replace(now) == borrow.Replace(before)
}

// cutProgram takes the program off a command line as quoteCommand writes it: quotes,
// and outside of them a backslash before a quote.
func cutProgram(command string) (program, words string) {
	var word strings.Builder
	quote := byte(0)
	for i := 0; i < len(command); i++ {
		switch c := command[i]; {
		case c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote = c
		case c == '\\' && i+1 < len(command) && strings.IndexByte(`'" \`, command[i+1]) >= 0:
			i++
			word.WriteByte(command[i])
		case c == ' ' || c == '\t':
			return word.String(), strings.TrimSpace(command[i:])
		default:
			word.WriteByte(c)
		}
	}
	return word.String(), ""
}

// addressing has the bucket in the path: an endpoint need not have a host name for each.
const addressing = "path"

func (p Profile) write(f *awsconfig.File, section, command string) error {
	return errors.Join(
		f.Set(section, "credential_process", command),
		f.Set(section, "region", p.Region),
		f.Set(section, "services", p.services()),
		f.SetBelow(section, "s3", "addressing_style", addressing),
		f.SetBelow("services "+p.services(), "s3", "endpoint_url", p.Endpoint),
	)
}

// keysElsewhere looks for the profile in the file of keys.
func (p Profile) keysElsewhere(file string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	f := awsconfig.Parse(string(text))
	s, found, err := f.Section(p.Name)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, name := range slices.Concat(otherSources, oursElsewhere) {
		if _, _, has := f.Property(s, name); found && has {
			return &TakenProfile{p.Name, "it has " + name + " in " + file + ", which would be used instead"}
		}
	}
	return nil
}

// oursElsewhere are what a profile of ours has, and must not have in the file of keys:
// botocore takes what is there.
var oursElsewhere = []string{"credential_process", "region", "services", "s3", "endpoint_url"}

// quoteCommand writes a command line for credential_process: botocore splits it as
// a POSIX shell would, or on Windows as its programs do, and the other SDKs give it
// to the shell.
func quoteCommand(args []string, windows bool) (string, error) {
	out := make([]string, len(args))
	for i, arg := range args {
		if strings.ContainsFunc(arg, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", errors.New("a profile's command cannot have control characters")
		}
		// Some SDKs end a value there, whatever quotes are around it.
		if strings.Contains(arg, " #") || strings.Contains(arg, " ;") {
			return "", errors.New(`a profile's command cannot have " #" or " ;" in an argument`)
		}
		switch {
		case !windows:
			out[i] = ShellWord(arg)
		case strings.ContainsAny(arg, `"%^&|<>!`) || strings.HasSuffix(arg, `\`):
			return "", errors.New(`a profile's command cannot have " % ^ & | < > ! on Windows, nor end an argument with \`)
		case arg == "" || strings.ContainsAny(arg, " '();,=`"):
			out[i] = `"` + arg + `"`
		default:
			out[i] = arg
		}
	}
	return strings.Join(out, " "), nil
}
