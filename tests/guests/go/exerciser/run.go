package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"
)

func runLine(line string, variables map[string]string) error {
	parsed, err := parse(line)
	if err != nil {
		return err
	}
	switch parsed.name + "/" + parsed.joiner {
	case "assert_exists/":
		return assertExists(parsed.operand)
	case "assert_not_exists/":
		return assertNotExists(parsed.operand)
	case "assert_value/is":
		return assertValue(parsed.operand, parsed.second, variables)
	case "read/to":
		value, err := valueOf(parsed.operand, variables)
		variables[parsed.second.name] = value
		return err
	case "write/to":
		value, err := valueOf(parsed.operand, variables)
		if err != nil {
			return err
		}
		return write(value, parsed.second)
	case "sleep/":
		return sleep(line, parsed.operand)
	}
	return parseError(line, "unknown command")
}

func assertExists(source place) error {
	there, err := exists(source)
	switch {
	case err != nil || there:
		return err
	case source.kind == "env":
		return fmt.Errorf("Env var %s was supposed to exist but did not", source.name)
	}
	return fmt.Errorf("File %s was expected to exist but did not", source.name)
}

func assertNotExists(source place) error {
	there, err := exists(source)
	switch {
	case err != nil || !there:
		return err
	case source.kind == "env":
		return fmt.Errorf("Env var %s was supposed to NOT exist but it did exist", source.name)
	}
	return fmt.Errorf("File %s was expected NOT to exist but it did exist", source.name)
}

func exists(source place) (bool, error) {
	switch source.kind {
	case "env":
		_, set := os.LookupEnv(source.name)
		return set, nil
	case "file":
		_, err := os.Stat(source.name)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		return err == nil, err
	}
	return false, fmt.Errorf("'%v' is neither a file nor an environment variable", source)
}

func assertValue(variable, wanted place, variables map[string]string) error {
	value, err := valueOf(variable, variables)
	if err != nil {
		return err
	}
	expected, err := valueOf(wanted, variables)
	if err == nil && value != expected {
		return fmt.Errorf("Expected %s to have value '%s' but was '%s'", variable.name, expected, value)
	}
	return err
}

func valueOf(source place, variables map[string]string) (string, error) {
	switch source.kind {
	case "lit":
		return source.name, nil
	case "var":
		value, set := variables[source.name]
		if !set {
			return "", fmt.Errorf("Variable %s not set", source.name)
		}
		return value, nil
	case "env":
		value, set := os.LookupEnv(source.name)
		if !set {
			return "", fmt.Errorf("Env var %s was supposed to exist but did not", source.name)
		}
		return value, nil
	case "file":
		bytes, err := os.ReadFile(source.name)
		return string(bytes), err
	}
	return "", fmt.Errorf("'%v' is not a value", source)
}

func write(value string, target place) error {
	switch target {
	case place{"stm", "stdout"}:
		_, err := io.WriteString(os.Stdout, value+"\n")
		return err
	case place{"stm", "stderr"}:
		_, err := io.WriteString(os.Stderr, value+"\n")
		return err
	}
	if target.kind != "file" {
		return fmt.Errorf("'%v' is neither a file nor a stream", target)
	}
	return os.WriteFile(target.name, []byte(value), 0o644)
}

func sleep(line string, duration place) error {
	milliseconds, err := strconv.Atoi(duration.name)
	if err != nil {
		return parseError(line, "not a number of milliseconds")
	}
	time.Sleep(time.Duration(milliseconds) * time.Millisecond)
	return nil
}
