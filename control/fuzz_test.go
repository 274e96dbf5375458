package control

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// FuzzRequest feeds a server what a client could send: it must do what is a
// request of its version for a verb that it has, and refuse all else.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		`{"version":1,"verb":"mark","args":{"text":"a"}}` + "\n", `{"version":1,"verb":"mark"}` + "\n", `{"version":2,"verb":"mark"}` + "\n",
		`{"verb":"mark"}` + "\n", `{"version":1,"verb":"dump"`, "[]\n", "\n", strings.Repeat("x", MaxLine+2),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		done := 0
		s := &Server{verbs: map[string]Verb{"mark": func(args json.RawMessage) (any, error) {
			done++
			if args != nil && !json.Valid(args) {
				t.Errorf("arguments %q", args)
			}
			return nil, errors.New("done")
		}}}
		_, err := s.do(strings.NewReader(string(b)))
		if err == nil || (done == 1) != (err.Error() == "done") {
			t.Errorf("done %d times, %v", done, err)
		}
	})
}
