package deliver

// Into is WriteProfile without a file, for the fuzzer.
func (p Profile) Into(text string) (string, error) {
	command, err := p.check()
	if err != nil {
		return "", err
	}
	return p.into(text, command, false)
}
