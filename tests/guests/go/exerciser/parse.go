package main

import (
	"fmt"
	"strings"
)

// command is one line of a script: `name(operand)` or `name(operand)joiner(second)`.
type command struct {
	name, joiner    string
	operand, second place
}

// place is where a value comes from or goes to, as `file:/path`.
type place struct{ kind, name string }

func (p place) String() string { return p.kind + ":" + p.name }

func parse(line string) (command, error) {
	name, rest, ok := strings.Cut(line, "(")
	if !ok || name == "" {
		return command{}, parseError(line, "no operand in parentheses")
	}
	operand, rest, ok := cutOperand(rest)
	if !ok {
		return command{}, parseError(line, "a parenthesis is not closed")
	}
	parsed := command{name: name, operand: parsePlace(operand)}
	if rest == "" {
		return parsed, nil
	}
	joiner, rest, ok := strings.Cut(rest, "(")
	if !ok || !strings.HasSuffix(rest, ")") {
		return command{}, parseError(line, "no second operand in parentheses")
	}
	parsed.joiner = joiner
	parsed.second = parsePlace(strings.TrimSuffix(rest, ")"))
	return parsed, nil
}

// cutOperand ends an operand at the parenthesis that a joiner or nothing follows, so that the text of
// a literal may hold parentheses itself.
func cutOperand(text string) (operand, rest string, ok bool) {
	for _, joiner := range []string{")to(", ")is("} {
		if at := strings.Index(text, joiner); at >= 0 {
			return text[:at], text[at+1:], true
		}
	}
	return strings.TrimSuffix(text, ")"), "", strings.HasSuffix(text, ")")
}

func parsePlace(text string) place {
	kind, name, ok := strings.Cut(text, ":")
	if !ok {
		return place{kind: "", name: text}
	}
	return place{kind: kind, name: name}
}

func parseError(line, why string) error {
	return fmt.Errorf("Error parsing command '%s': %s", line, why)
}
