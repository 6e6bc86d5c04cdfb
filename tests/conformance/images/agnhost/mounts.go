package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// What a new file holds, which another container looks for.
const fresh = "mount-tester new file\n"

// How often the content of a file is printed in a loop.
const lookEvery = 2 * time.Second

// testMounts does what its flags say, in this order: the type of the file system, new files, modes,
// owners, contents.
func testMounts(args []string) int {
	flags := flag.NewFlagSet("mounttest", flag.ExitOnError)
	steps := []struct {
		flag string
		run  func(path string) error
		path *string
	}{
		{"fs_type", sayType, nil},
		{"new_file_0644", writeNew(0o644), nil},
		{"new_file_0666", writeNew(0o666), nil},
		{"new_file_0660", writeNew(0o660), nil},
		{"new_file_0777", writeNew(0o777), nil},
		{"file_mode", sayMode, nil},
		{"file_perm", sayPermissions, nil},
		{"file_owner", sayOwner, nil},
		{"file_content", sayContent, nil},
	}
	for i := range steps {
		steps[i].path = flags.String(steps[i].flag, "", "a path")
	}
	loop := flags.String("file_content_in_loop", "", "a path that is read again and again")
	seconds := flags.Int("retry_time", 180, "seconds of the loop")
	stopEarly := flags.Bool("break_on_expected_content", true, "end the loop at the expected content")
	flags.Parse(args)
	code := 0
	for _, step := range steps {
		if *step.path != "" && step.run(*step.path) != nil {
			code = 1
		}
	}
	if *loop != "" && readAgain(*loop, time.Duration(*seconds)*time.Second, *stopEarly) != nil {
		code = 1
	}
	return code
}

// sayType reads the list of mounts where there is one: WASI itself tells no type.
func sayType(path string) error {
	kind := "unknown"
	mounts, _ := os.ReadFile("/proc/mounts")
	for line := range strings.Lines(string(mounts)) {
		if words := strings.Fields(line); len(words) > 2 && words[1] == path {
			kind = words[2]
		}
	}
	fmt.Printf("mount type of %q: %s\n", path, kind)
	return nil
}

func writeNew(mode os.FileMode) func(string) error {
	return func(path string) error {
		if err := os.WriteFile(path, []byte(fresh), mode); err != nil {
			fmt.Printf("error writing new file %q: %v\n", path, err)
			return err
		}
		return sayContent(path)
	}
}

func sayMode(path string) error {
	return sayOf(path, func(mode os.FileMode) {
		fmt.Printf("mode of file %q: %v\n", path, mode)
	})
}

func sayPermissions(path string) error {
	return sayOf(path, func(mode os.FileMode) {
		fmt.Printf("perms of file %q: %v\n", path, mode.Perm())
	})
}

// sayOwner says root: WASI tells no owners.
func sayOwner(path string) error {
	return sayOf(path, func(os.FileMode) {
		fmt.Printf("owner UID of %q: 0\nowner GID of %q: 0\n", path, path)
	})
}

func sayOf(path string, say func(os.FileMode)) error {
	mode, err := modeOf(path)
	if err != nil {
		fmt.Printf("error from Stat(%q): %v\n", path, err)
		return err
	}
	say(mode)
	return nil
}

func sayContent(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		fmt.Printf("error reading file content for %q: %v\n", path, err)
		return err
	}
	fmt.Printf("content of file %q: %s\n", path, content)
	return nil
}

// readAgain prints the content every other second. The last reading is what counts.
func readAgain(path string, duration time.Duration, stopEarly bool) error {
	var last error
	for end := time.Now().Add(duration); time.Now().Before(end); time.Sleep(lookEvery) {
		content, err := os.ReadFile(path)
		if last = err; err != nil {
			fmt.Printf("Error reading file %s: %v, retrying\n", path, err)
			continue
		}
		fmt.Printf("content of file %q: %s\n", path, content)
		if stopEarly && string(content) == fresh {
			break
		}
	}
	return last
}
