package os

// hostname is what the node has written, or put into the environment: WASI cannot ask the system.
func hostname() (name string, err error) {
	written, err := ReadFile("/etc/hostname")
	for _, letter := range string(written) {
		if letter <= ' ' {
			break
		}
		name += string(letter)
	}
	if name == "" {
		name = Getenv("HOSTNAME")
	}
	if name == "" {
		name = "localhost"
	}
	return name, nil
}
