package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/replay"
)

// TestHelpNamesCosts: a cost has the name in JSON that replay's help gives it, and the
// text of a report shows no other.
func TestHelpNamesCosts(t *testing.T) {
	names := regexp.MustCompile(`(?m)^    ([a-z]{2})  (.+)$`).FindAllStringSubmatch(replayCommand(nil).Long, -1)
	var r replay.Report
	for i, m := range names {
		in := fmt.Sprintf(`{"cost": {%q: %d}}`, m[1], 1000+i)
		d := json.NewDecoder(strings.NewReader(in))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			t.Error(err)
		}
	}
	var text bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	for i, m := range names {
		if line := fmt.Sprintf("   %d %s\n", 1000+i, m[2]); !strings.Contains(text.String(), line) {
			t.Errorf("%s: want %q in\n%s", m[1], line, &text)
		}
	}
	if shown := strings.Count(text.String(), "\n   "); shown != len(names) || shown == 0 {
		t.Errorf("help names %d costs, the text has %d:\n%s", len(names), shown, &text)
	}
}
