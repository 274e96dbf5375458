package main

import (
	"time"

	"github.com/iotrace-xen/iotrace/record"
	"github.com/spf13/pflag"
)

// probeFlags are the flags that say how a capture is made.
type probeFlags struct {
	data    string
	tier    string
	btf     string
	sample  timeValue
	buffer  sizeValue
	verbose bool
	choice  choiceFlags
	drivers []string
}

func (p *probeFlags) addFlags(f *pflag.FlagSet) {
	p.data = record.DataNone.String()
	f.Var(oneOf(&p.data, record.DataNone.String(), record.DataHash.String(), record.DataFull.String()), "data", "guest data to keep; hash keeps what is equal equal")
	f.Var(oneOf(&p.tier, "A", "B", "C", "D"), "tier", "how to attach: A (fentry), B (kprobe), C (kprobe, for kernels before 5.8) or D (as C, without buffered rings) (default: the best that works)")
	f.StringVar(&p.btf, "btf", "", "`FILE` with the types of dom0's evtchn driver, should its layout differ from the usual")
	f.Var(&p.sample, "sample", "how long a device model runs between looks at its buffered ring (default 200µs)")
	f.Var(&p.buffer, "buffer-size", "room between kernel and recorder; what finds none is counted as lost (default 8MiB)")
	f.BoolVarP(&p.verbose, "verbose", "v", false, "measure the probes, and say at the end how often each ran and how long it took")
	p.choice.addFlags(f)
	f.StringArrayVar(&p.drivers, driverFlag, nil, driverHelp)
}

var tiers = map[string]record.Tier{"": record.TierAuto, "A": record.TierA, "B": record.TierB, "C": record.TierC, "D": record.TierD}

func (p *probeFlags) options() (opts record.Options, err error) {
	opts = record.Options{SamplePeriod: time.Duration(p.sample), BTF: p.btf, BufferBytes: int(min(p.buffer, 1<<40)), Measure: p.verbose}
	if opts.Data, err = record.ParseData(p.data); err != nil {
		return opts, usagef("--data: %w", err)
	}
	opts.Tier = tiers[p.tier]
	if opts.Choice, err = p.choice.choice(); err != nil {
		return opts, err
	}
	opts.Drivers, err = readProfiles(p.drivers)
	return opts, err
}

// optionFlags are the flags that set what an OptionError can be about, by its option.
var optionFlags = map[string]string{
	"BufferBytes": "buffer-size", "SamplePeriod": "sample", "Tier": "tier", "Data": "data", "BTF": "btf",
	"Servers": "server", "Ports": "port", "GFNs": "gfn", "Kinds": "kind", "Sampled": "sample-kind",
}
