package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/iotrace-xen/iotrace/flight"
	"github.com/iotrace-xen/iotrace/store"
	"github.com/spf13/cobra"
)

// flightFlags are the flags of record that make it a flight recorder.
type flightFlags struct {
	limits   limitsValue
	triggers triggerList
	after    timeValue
	every    timeValue
	keep     keepValue
}

func (f *flightFlags) addFlags(cmd *cobra.Command) {
	*f = flightFlags{after: timeValue(5 * time.Second), every: timeValue(time.Minute)}
	flags := cmd.Flags()
	flags.Var(&f.limits, "flight", "keep the newest events in memory and write dumps of them")
	flags.Var(&f.triggers, "trigger", "with --flight: dump when this happens; may be given several times")
	flags.Var(&f.after, "after", "with --flight: record for so long after a trigger before the dump")
	flags.Var(&f.every, "dump-every", "with --flight: least time between two dumps that triggers make")
	flags.Var(&f.keep, "keep", "with --flight: how many dumps to keep (default: all)")
}

// flightHelp is for the long help of record.
func flightHelp() string {
	s := `--flight 64MiB, --flight 10m or --flight 64MiB,10m writes nothing until it is
asked to: it keeps the newest events in so much memory (64MiB if only a time is
given), compressed, and goes on for ever. A dump of them is a whole trace, which
replays alone; for -o session.iot the dumps are session.0001.iot and so on, behind
those that are there. SIGUSR2 makes one, so does 'iotrace mark --dump', and so does
each --trigger, whose reason stands in the dump as a mark:

`
	forms, docs := flight.Triggers()
	for i, form := range forms {
		s += fmt.Sprintf("    %-20s %s\n", form, docs[i])
	}
	return s + `
While a dump is being written, up to as much memory again is in use. A dump that
does not fit on the disk is not made; with --keep files:N,size:SIZE older ones make
room for it if they have enough. The end of the capture makes none, unless a trigger's is due.`
}

// check refuses what does not go with a flight recorder, or without one.
func (f *flightFlags) check(cmd *cobra.Command) error {
	if f.on() {
		for _, name := range []string{"ring", "resume", "force"} {
			if cmd.Flags().Changed(name) {
				return usagef("--%s is for captures into files; it does not go with --flight", name)
			}
		}
		return nil
	}
	for _, name := range []string{"trigger", "after", "dump-every", "keep"} {
		if cmd.Flags().Changed(name) {
			return usagef("--%s is for a flight recorder; give --flight as well", name)
		}
	}
	return nil
}

func (f *flightFlags) on() bool { return f.limits.Bytes > 0 }

func (f *flightFlags) schedule() flight.Schedule {
	return flight.Schedule{After: uint64(f.after), Every: uint64(f.every)}
}

// limitsValue is the value of --flight.
type limitsValue struct{ flight.Limits }

func (v *limitsValue) String() string {
	if v.Bytes == 0 {
		return ""
	}
	return v.Limits.String()
}

func (v *limitsValue) Type() string { return "SIZE,TIME" }

func (v *limitsValue) Set(s string) (err error) {
	v.Limits, err = flight.ParseLimits(s)
	return err
}

// triggerList is the value of --trigger. An expression may have commas, so each
// takes a flag of its own.
type triggerList []*flight.Trigger

func (l *triggerList) String() string {
	var all []string
	for _, t := range *l {
		all = append(all, t.String())
	}
	return strings.Join(all, " ")
}

func (l *triggerList) Type() string { return "TRIGGER" }

func (l *triggerList) Set(s string) error {
	t, err := flight.ParseTrigger(s)
	if err == nil {
		*l = append(*l, t)
	}
	return err
}

// keepValue is the value of --keep.
type keepValue store.Keep

func (v *keepValue) String() string { return store.Keep(*v).String() }
func (v *keepValue) Type() string   { return "files:N,size:SIZE" }

func (v *keepValue) Set(s string) error {
	k, err := store.ParseKeep(s)
	*v = keepValue(k)
	return err
}
