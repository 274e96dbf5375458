package main

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/replay"
	"github.com/iotrace-xen/iotrace/rewrite"
	"github.com/iotrace-xen/iotrace/store"
	"github.com/iotrace-xen/iotrace/xen"
	"github.com/spf13/cobra"
)

type splitFlags struct {
	outputFlags
	time     timeValue
	size     sizeValue
	segments uint
	byDomain bool
}

func splitCommand() *cobra.Command {
	var flags splitFlags
	cmd := &cobra.Command{
		Use:   "split FILE",
		Short: "Split a trace into parts that replay alone",
		Long: `split writes the parts of FILE: session.0001.iot and so on for session.iot. A part
begins with a key-frame, so it replays alone, and the parts of a trace are only as
small as its segments; where FILE lacks key-frames, they get some. With --by-domain
each domain gets a trace, session.dom3.iot, of its events and those about no domain,
and of what key-frames say of them. FILE is not changed.`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return runSplit(cmd, args, flags) },
	}
	f := cmd.Flags()
	flags.addFlags(f, "make the parts' names from `NAME` (default: FILE, with .iot if it is text)")
	f.Var(&flags.time, "time", "a part spans about this time")
	f.Var(&flags.size, "size", "a part has about this size at most")
	f.UintVar(&flags.segments, "segments", 0, "a part has `N` segments")
	f.BoolVar(&flags.byDomain, "by-domain", false, "a part for each domain")
	return cmd
}

// check wants one way to split, and parts that hold something.
func (f *splitFlags) check() error {
	ways := 0
	for _, given := range []bool{f.time > 0, f.size > 0, f.segments > 0, f.byDomain} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return usagef("give one of --time, --size and --segments, more than 0, or --by-domain")
	}
	return nil
}

func runSplit(cmd *cobra.Command, args []string, flags splitFlags) error {
	if err := flags.check(); err != nil {
		return err
	}
	in, err := openFile(args[0])
	if err != nil {
		return err
	}
	defer in.close()
	if flags.output == "" {
		flags.output = binaryName(in)
	}
	h, err := derived(cmd, args, args[0], in.Header())
	if err != nil {
		return err
	}
	s := splitter{cmd: cmd, in: in, flags: flags, header: h}
	if flags.byDomain {
		return s.byDomain()
	}
	return s.byCut(rewrite.Cut{Time: uint64(flags.time), Size: int64(flags.size), Segments: int(min(flags.segments, math.MaxInt))})
}

// binaryName is the name that a binary trace made of in has: in's own, unless that may
// tell of another form.
func binaryName(in *input) string {
	if in.Form() == format.FormBinary {
		return in.name
	}
	return strings.TrimSuffix(in.name, filepath.Ext(in.name)) + ".iot"
}

// A splitter writes the parts of one trace.
type splitter struct {
	cmd    *cobra.Command
	in     *input
	flags  splitFlags
	header format.Header
	parts  int

	name string // of the part at hand
	out  *output
	w    *format.Writer
}

func (s *splitter) byCut(c rewrite.Cut) error {
	defer s.discard()
	cutter := rewrite.NewCutter(c)
	for e, err := range replay.WithKeyFrames(s.header, s.in.Events()) {
		if err != nil {
			return needWhole(s.in.name, err)
		}
		if cutter.Begins(&e, s.size()) {
			if err := s.next(store.PartName(s.flags.output, s.parts+1)); err != nil {
				return err
			}
		}
		if err := s.w.Put(e); err != nil {
			return notWritten(s.name, err)
		}
	}
	if err := s.finish(); err != nil {
		return err
	}
	switch s.parts {
	case 0:
		return usagef("%s has no events: there is nothing to split", s.in.name)
	case 1:
		fmt.Fprintf(s.cmd.ErrOrStderr(), "iotrace: %s has one part only: there is no key-frame to split at\n", s.in.name)
	}
	return nil
}

func (s *splitter) size() int64 {
	if s.w == nil {
		return 0
	}
	return s.w.Bytes()
}

// next finishes the part at hand and begins another.
func (s *splitter) next(name string) error {
	if err := s.finish(); err != nil {
		return err
	}
	s.parts++
	part := outputFlags{name, s.flags.force}
	out, err := part.create(nil, s.in.name)
	if err != nil {
		return err
	}
	h := s.header
	h.UUID, h.Part = newUUID(), s.parts
	s.name, s.out = name, out
	if s.w, err = format.NewWriter(out, h, format.WriterOptions{}); err != nil {
		return notWritten(name, err)
	}
	return nil
}

func (s *splitter) finish() error {
	if s.w == nil {
		return nil
	}
	if err := errors.Join(s.w.Close(), s.out.Close()); err != nil {
		return notWritten(s.name, err)
	}
	s.w, s.out = nil, nil
	fmt.Fprintln(s.cmd.OutOrStdout(), s.name)
	return nil
}

func (s *splitter) discard() {
	if s.out != nil {
		s.out.discard()
	}
}

// byDomain reads the trace once for each domain.
func (s *splitter) byDomain() error {
	defer s.discard()
	doms, err := domainsOf(s.in)
	if err != nil {
		return err
	}
	ext := filepath.Ext(s.flags.output)
	if len(doms) == 0 {
		return usagef("%s has no event about a domain: there is nothing to split", s.in.name)
	}
	for _, d := range doms {
		if err := s.next(fmt.Sprintf("%s.dom%d%s", strings.TrimSuffix(s.flags.output, ext), d, ext)); err != nil {
			return err
		}
		if err := s.copyDomain(d); err != nil {
			return err
		}
	}
	return s.finish()
}

func (s *splitter) copyDomain(d xen.DomID) error {
	in, err := openFile(s.in.name)
	if err != nil {
		return err
	}
	defer in.close()
	_, err = rewrite.Copy(s.w, replay.RemakeKeyFrames(s.header, rewrite.OfDomain(d, in.Events())))
	return copyError(s.in.name, s.name, err)
}

// domainsOf reads the trace and returns the domains that events are about.
func domainsOf(in *input) ([]xen.DomID, error) {
	seen := map[xen.DomID]bool{}
	var doms []xen.DomID
	for e, err := range in.Events() {
		if err != nil {
			return nil, needWhole(in.name, err)
		}
		if !e.Kind.InKeyFrame() && e.Dom < xen.DomSelf && !seen[e.Dom] {
			seen[e.Dom] = true
			doms = append(doms, e.Dom)
		}
	}
	slices.Sort(doms)
	return doms, nil
}
