package dom0

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// unit is a systemd unit as far as the lab plays systemd: the words of each
// setting, by its name.
type unit map[string][]string

// readUnit reads a unit file. A setting that is given twice has the words of both.
func readUnit(path string) (unit, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	u := unit{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line := strings.TrimSpace(sc.Text())
		key, value, ok := strings.Cut(line, "=")
		switch {
		case line == "" || line[0] == '#' || line[0] == '[':
		case !ok || strings.HasSuffix(line, "\\"):
			return nil, fmt.Errorf("%s: %q: want KEY=VALUE on a line", path, line)
		default:
			u[key] = append(u[key], strings.Fields(value)...)
		}
	}
	return u, nil
}

// one returns a setting of one word.
func (u unit) one(key string) (string, error) {
	if len(u[key]) != 1 {
		return "", fmt.Errorf("unit: %s: want one word, got %q", key, u[key])
	}
	return u[key][0], nil
}
