package flight

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/iotrace-xen/iotrace/filter"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// A Trigger watches the events of a capture and fires at some of them.
type Trigger struct {
	text string
	watcher
}

// A watcher is what a kind of trigger looks for.
type watcher interface {
	// watch takes the next event, none of a key-frame, and says whether it fires.
	watch(e *format.Event) bool
	// why says what was seen when watch fired last.
	why() string
}

// triggerKind is a row of the table of triggers.
type triggerKind struct {
	name string
	arg  string // what stands behind the colon, "" if nothing may
	free bool   // and may be left out
	doc  string
	make func(arg string) (watcher, error)
}

var triggerKinds = []triggerKind{
	{"no-receiver", "", false, "a request went to a server that is gone, or its device model ended without an answer",
		func(string) (watcher, error) { return &noReceiver{}, nil }},
	{"slow-answer", "TIME", false, "a request had no answer, or an event channel of a device model was not read, for longer than that",
		func(arg string) (watcher, error) { d, err := period(arg); return &slowAnswer{limit: d}, err }},
	{"call-error", "ERRNO", true, "a call failed, with that error (EBUSY, 16) or any",
		func(arg string) (watcher, error) { n, err := errno(arg); return &callError{want: n}, err }},
	{"slow-call", "TIME", false, "a call took longer than that, or has not returned for so long",
		func(arg string) (watcher, error) { d, err := period(arg); return &slowCall{limit: d}, err }},
	{"ring-full", "", false, "a buffered ring was found with as many new entries as it holds, or with some gone",
		func(string) (watcher, error) { return &ringFull{}, nil }},
	{"dm-exit", "", false, "a process that serves requests ended",
		func(string) (watcher, error) { return &modelExit{}, nil }},
	{"claim", "", false, "a server claimed ioreq_server pages, or released them",
		func(string) (watcher, error) { return &claim{}, nil }},
	{"churn", "RATE", false, "set_mem_type changed more pages of a domain than that in a second",
		func(arg string) (watcher, error) { n, err := rate(arg); return &churn{limit: n}, err }},
	{"filter", "EXPR", false, "an event came for which the expression holds",
		func(arg string) (watcher, error) { f, err := filter.Compile(arg); return &filtered{filter: f}, err }},
}

// ParseTrigger reads a trigger such as "slow-answer:10ms" or "dm-exit".
func ParseTrigger(s string) (*Trigger, error) {
	name, arg, given := strings.Cut(s, ":")
	for _, k := range triggerKinds {
		switch {
		case k.name != name:
			continue
		case k.arg == "" && given:
			return nil, fmt.Errorf("%s takes no value, got %q", name, arg)
		case k.arg != "" && !k.free && !given, given && arg == "":
			return nil, fmt.Errorf("want %s:%s, got %q", name, k.arg, s)
		}
		w, err := k.make(arg)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return &Trigger{s, w}, nil
	}
	var all []string
	for _, k := range triggerKinds {
		all = append(all, k.form())
	}
	return nil, fmt.Errorf("no trigger is called %q; there are %s", name, strings.Join(all, ", "))
}

// form is how the trigger is written.
func (k *triggerKind) form() string {
	switch {
	case k.free:
		return k.name + "[:" + k.arg + "]"
	case k.arg != "":
		return k.name + ":" + k.arg
	}
	return k.name
}

// Triggers says of each kind of trigger how it is written and when it fires.
func Triggers() (forms, docs []string) {
	for _, k := range triggerKinds {
		forms, docs = append(forms, k.form()), append(docs, k.doc)
	}
	return forms, docs
}

// Add takes the next event of the capture and says whether the trigger fires.
func (t *Trigger) Add(e *format.Event) bool { return !e.Kind.InKeyFrame() && t.watch(e) }

// String returns the trigger as it was given to ParseTrigger.
func (t *Trigger) String() string { return t.text }

// Why says what was seen when the trigger fired last, in a sentence that a mark
// can hold.
func (t *Trigger) Why() string {
	s := "trigger " + t.text + ": " + t.why()
	return s[:min(len(s), format.MaxMark)]
}

func period(s string) (uint64, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("want a time such as 500us or 10ms, got %q", s)
	}
	return uint64(d), nil
}

func rate(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("want pages a second, at least 1, got %q", s)
	}
	return n, nil
}

// errno reads the name or number of an error; "" is any, and gives OK.
func errno(s string) (xen.Errno, error) {
	if s == "" {
		return xen.OK, nil
	}
	const last = 4095
	n, err := strconv.ParseUint(s, 10, 16)
	if err == nil && n > 0 && n <= last {
		return xen.Errno(n), nil
	}
	for e := xen.Errno(1); e <= last; e++ {
		if e.String() == s {
			return e, nil
		}
	}
	return 0, fmt.Errorf("want the name or number of an error, such as EBUSY or 16, got %q", s)
}

// spanned is the time between two events.
func spanned(from, to uint64) time.Duration { return time.Duration(to - min(from, to)) }
