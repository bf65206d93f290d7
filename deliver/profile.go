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
	"strings"

	"github.com/keyhatch/keyhatch/deliver/awsconfig"
)

// Profile is a profile of the AWS configuration that gets its leases from a
// command, so that the AWS CLI and everything on an SDK renew them by themselves.
type Profile struct {
	Name string // letters, digits and . _ - / @ + : %
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
// A profile that some other command or key is the source of is a TakenProfile, unless
// replace is set. One that has keys in the credentials file is always: they would
// win over the command.
func WriteProfile(configFile, credentialsFile string, p Profile, replace bool) error {
	command, err := p.check()
	if err != nil {
		return err
	}
	if err := p.keysElsewhere(credentialsFile); err != nil {
		return err
	}
	err = awsconfig.Edit(configFile, func(text string) (string, error) { return p.into(text, command, replace) })
	var taken *TakenProfile
	if err != nil && !errors.As(err, &taken) {
		return fmt.Errorf("%s: %w", configFile, err)
	}
	return err
}

// into writes the profile into the text of a configuration file.
func (p Profile) into(text, command string, replace bool) (string, error) {
	f := awsconfig.Parse(text)
	if err := p.mayWrite(f, replace); err != nil {
		return "", err
	}
	if err := p.write(f, command); err != nil {
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
		return "", errUnfit
	}
	return quoteCommand(p.Command, runtime.GOOS == "windows")
}

func visible(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < '!' || r > '~' })
}

func (p Profile) section() string {
	if p.Name == "default" {
		return "default"
	}
	return "profile " + p.Name
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

// mayWrite refuses to change a profile that is not ours, or makes it ours.
func (p Profile) mayWrite(f *awsconfig.File, replace bool) error {
	s, found, err := f.Section(p.section())
	if err != nil || !found {
		return err
	}
	for _, name := range otherSources {
		if _, _, has := f.Property(s, name); !has {
			continue
		}
		if !replace {
			return &TakenProfile{p.Name, "it has " + name}
		}
		if err := f.Remove(p.section(), name); err != nil {
			return err
		}
		if s, _, err = f.Section(p.section()); err != nil {
			return err
		}
	}
	_, command, has := f.Property(s, "credential_process")
	switch {
	case replace, has && ours(command):
		return nil
	case has:
		return &TakenProfile{p.Name, "its credential_process is not keyhatch"}
	case p.Name == "default":
		return nil // often there for a region or an output format; it has no source
	}
	return &TakenProfile{p.Name, "it is there, and keyhatch did not write it"}
}

// ours tells whether a command is this program.
func ours(command string) bool {
	program := command
	if strings.HasPrefix(command, `"`) || strings.HasPrefix(command, `'`) {
		program, _, _ = strings.Cut(command[1:], command[:1])
	} else {
		program, _, _ = strings.Cut(command, " ")
	}
	name := path.Base(strings.ReplaceAll(program, `\`, "/"))
	return name == "keyhatch" || strings.EqualFold(name, "keyhatch.exe")
}

func (p Profile) write(f *awsconfig.File, command string) error {
	return errors.Join(
		f.Set(p.section(), "credential_process", command),
		f.Set(p.section(), "region", p.Region),
		f.Set(p.section(), "services", p.services()),
		f.SetBelow(p.section(), "s3", "addressing_style", "path"),
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
	if _, _, has := f.Property(s, "aws_access_key_id"); found && has {
		return &TakenProfile{p.Name, "it has keys in " + file + ", which would be used instead"}
	}
	return nil
}

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
