package main

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/replay"
	"github.com/iotrace-xen/iotrace/rewrite"
	"github.com/spf13/cobra"
)

// levelValue is the value of --level.
type levelValue format.Level

func (v *levelValue) String() string { return format.Level(*v).String() }
func (v *levelValue) Type() string   { return "fastest|default|better|best" }

func (v *levelValue) Set(s string) error {
	for l := format.LevelFastest; l <= format.LevelBest; l++ {
		if l.String() == s {
			*v = levelValue(l)
			return nil
		}
	}
	return fmt.Errorf("want fastest, default, better or best, got %q", s)
}

type repackFlags struct {
	outputFlags
	level      levelValue
	resolution timeValue
	data       string
	span
}

func repackCommand() *cobra.Command {
	flags := repackFlags{level: levelValue(format.LevelBetter)}
	cmd := &cobra.Command{
		Use:   "repack FILE -o NEW",
		Short: "Compress a trace anew, or leave detail out",
		Long: `repack writes the events of FILE anew: compressed harder, with coarser times, or
without guest data. Then it reads NEW back and compares; only if all is there does
NEW get its name. FILE is not changed, and must be whole. Key-frames stay; where
they are missing, or say what is left out, they are made anew.

` + spanHelp + `
What is left begins with a key-frame, so it replays alone.`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error { return runRepack(cmd, args, &flags) },
	}
	f := cmd.Flags()
	flags.outputFlags.addFlags(f, "write the trace to `NEW`")
	f.Var(&flags.level, "level", "how hard to compress")
	f.Var(&flags.resolution, "time-resolution", "make times multiples of this, such as 1us (default: keep them)")
	f.Var(oneOf(&flags.data, "none"), "data", "leave out guest data (default: keep it)")
	flags.span.addFlags(cmd)
	return cmd
}

func (f *repackFlags) reduction() (rewrite.Reduction, error) {
	r := rewrite.Reduction{DropData: f.data == "none", Resolution: uint64(f.resolution)}
	switch {
	case f.output == "" || f.output == "-":
		return r, usagef("repack reads back what it wrote: give a file with -o")
	case f.resolution > timeValue(time.Second):
		return r, usagef("--time-resolution: want 1ns to 1s, got %v", &f.resolution)
	}
	return r, nil
}

func runRepack(cmd *cobra.Command, args []string, flags *repackFlags) error {
	r, err := flags.reduction()
	if err != nil {
		return err
	}
	in, err := openFile(args[0])
	if err != nil {
		return err
	}
	defer in.close()
	h, err := derived(cmd, args, args[0], in.Header())
	if err != nil {
		return err
	}
	r.Header(&h)
	out, err := flags.create(nil, args...)
	if err != nil {
		return err
	}
	defer out.discard()
	w, err := format.NewWriter(markedWriter{out}, h, format.WriterOptions{Level: format.Level(flags.level)})
	if err != nil {
		return notWritten(flags.output, err)
	}
	wrote, err := rewrite.Copy(w, replay.WithKeyFrames(h, flags.reduced(r, h, in)))
	if err := cmp.Or(flags.missed(in, err), copyError(args[0], flags.output, err)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return notWritten(flags.output, err)
	}
	if err := readBack(out.file.Incomplete(), wrote); err != nil {
		return notWritten(flags.output, err)
	}
	size := out.file.Size()
	if err := out.Close(); err != nil {
		return notWritten(flags.output, err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d events and %d key-frames in %d bytes; %s has %d\n",
		flags.output, wrote.Events, wrote.KeyFrames, size, in.name, in.Bytes())
	return nil
}

// reduced returns the events to write, without what is to be left out.
func (f *repackFlags) reduced(r rewrite.Reduction, h format.Header, in *input) iter.Seq2[format.Event, error] {
	if r.Resolution <= 1 && !r.DropData {
		return f.part(in)
	}
	return replay.RemakeKeyFrames(h, r.Events(f.part(in)))
}

// part returns the events between --from and --to, so that they replay alone.
func (f *repackFlags) part(in *input) iter.Seq2[format.Event, error] {
	events := f.until(f.events(in))
	if f.from.kind == noBound {
		return events
	}
	return replay.BeginAt(in.Header(), events, func(format.Event) bool { return f.begun })
}

// readBack compares what a file holds with what was written to it.
func readBack(name string, wrote rewrite.Sum) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	t, err := format.Open(f)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	read, err := rewrite.SumOf(t.Events())
	switch {
	case err != nil:
		return fmt.Errorf("read back: %w", err)
	case read != wrote:
		return errors.New("what was written reads back differently; the new file is not kept, please report this")
	}
	return nil
}
