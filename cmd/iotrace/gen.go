package main

import (
	"errors"
	"io"
	"iter"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/gen"
	"github.com/iotrace-xen/iotrace/replay"
	"github.com/spf13/cobra"
)

type genFlags struct {
	outputFlags
	release string
	paging  string
	config  gen.Config
}

func genCommand() *cobra.Command {
	flags := genFlags{config: gen.Config{Mix: gen.DefaultMix}, paging: engine.NPT.String()}
	cmd := &cobra.Command{
		Use:   "gen --events N -o FILE",
		Short: "Write a synthetic trace",
		Long: `gen writes a trace of a simulated host: domains that are built, run, and are
destroyed, each with a QEMU and a mediator like XenGT's. The trace has exactly
as many events as are asked for, replays without a difference, and says of
itself that it is synthetic. The same flags give the same file.

--mix weighs what the guests do: boot (legacy devices), vga (the VGA window),
pagetable (writes to pages that the mediator has typed), pci, mmio. What it does
not name is left out. FILE may be "-".`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return runGen(cmd, flags) },
	}
	f, c := cmd.Flags(), &flags.config
	flags.addFlags(f, "write the trace to `FILE` (required)")
	f.Uint64Var(&c.Events, "events", 0, "write `N` events (required)")
	f.Uint64Var(&c.Seed, "seed", 1, "take all chance from seed `N`")
	f.IntVar(&c.Domains, "domains", 2, "have `N` domains at a time")
	f.IntVar(&c.Plain, "plain", 0, "`N` of them have no mediator")
	f.IntVar(&c.VCPUs, "vcpus", 2, "give each domain `N` vCPUs")
	f.StringVar(&flags.release, "xen", "4.17", "`RELEASE` of Xen")
	f.Var(oneOf(&flags.paging, engine.NPT.String(), engine.EPT.String()), "paging", "of AMD or of Intel")
	f.TextVar(&c.Mix, "mix", gen.DefaultMix, "what the guests do, as `NAME=WEIGHT,...`")
	f.Uint64Var(&c.Rate, "rate", 50_000, "have `N` events in a second of trace time")
	f.Uint64Var(&c.Churn, "churn", 0, "each mediator types `N` pages a second (default: by the rate)")
	f.Uint64Var(&c.Life, "life", 0, "a domain lives for `N` events on average (default: by the length)")
	return cmd
}

// explicitZero are the flags whose zero is not the default that a zero in
// gen.Config stands for.
var explicitZero = []string{"domains", "vcpus", "rate", "churn", "life"}

func (f *genFlags) generator(cmd *cobra.Command) (*gen.Generator, error) {
	for _, name := range explicitZero {
		if flag := cmd.Flags().Lookup(name); flag.Changed && flag.Value.String() == "0" {
			return nil, usagef("--%s: want at least 1, got 0", name)
		}
	}
	switch {
	case f.output == "":
		return nil, usagef("gen: name the file to write with -o, or - for standard output")
	case !cmd.Flags().Changed("events"):
		return nil, usagef("gen: say how many events to write with --events")
	}
	var ok bool
	f.config.Paging, _ = engine.ParsePaging(f.paging) // one of the two
	if f.config.Xen, ok = engine.ParseRelease(f.release); !ok || f.config.Xen.String() != f.release {
		return nil, usagef("--xen: want a release such as 4.17, got %q", f.release)
	}
	f.config.Writer = "iotrace " + version + " gen"
	g, err := gen.New(f.config)
	if err != nil {
		return nil, usagef("gen: %w", err)
	}
	return g, nil
}

func runGen(cmd *cobra.Command, flags genFlags) error {
	g, err := flags.generator(cmd)
	if err != nil {
		return err
	}
	out, err := flags.create(cmd.OutOrStdout())
	if err != nil {
		return err
	}
	defer out.discard()
	if err := errors.Join(writeSession(out, g), out.Close()); err != nil {
		return notWritten(flags.output, err)
	}
	return nil
}

func writeSession(out io.Writer, g *gen.Generator) error {
	w, err := format.NewWriter(out, g.Header(), format.WriterOptions{})
	if err != nil {
		return err
	}
	for e, err := range replay.WithKeyFrames(g.Header(), numbered(g.Events())) {
		if err == nil {
			err = w.Put(e)
		}
		if err != nil {
			return err
		}
	}
	return w.Close()
}

// numbered gives events their places in the trace.
func numbered(events iter.Seq[format.Event]) iter.Seq2[format.Event, error] {
	return func(yield func(format.Event, error) bool) {
		seq := uint64(0)
		for e := range events {
			e.Seq = seq
			seq++
			if !yield(e, nil) {
				return
			}
		}
	}
}
