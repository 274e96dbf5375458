package dom0

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A pacing says how loops are measured.
type pacing struct {
	pairs  int           // how often each is, with a recorder and without
	loop   time.Duration // how long one takes without, about: more than until a recorder writes what it has
	sample string        // the recorder's --sample
}

// The recorder's default of 200 µs is made longer as requests are: one takes some 2 ms
// under TCG and 20 µs on hardware, so there are as many looks a request as there. By a
// clock that counts instructions one takes some 50 µs, and each time the same but for a
// boot's first recorder, beside which it takes one in fifty more.
var (
	timed   = pacing{pairs: 6, loop: 5 * time.Second, sample: "20ms"}
	counted = pacing{pairs: 5, loop: time.Second, sample: "200us"}
)

// A pacedLoop is an operation of the guest by the device model that serves it.
type pacedLoop struct {
	served string
	op     string  // its name in package guest
	each   float64 // requests that it makes for one of its count
	count  int     // by which it takes its time

	with, without []pace
}

// A pace is how fast a loop was, and what its recorder used meanwhile.
type pace struct {
	took time.Duration
	cpu  time.Duration
}

// overhead compares the paces of loops.
type overhead struct {
	*run
	pacing
	loops []*pacedLoop
}

func newOverhead(r *run) *overhead {
	o := &overhead{run: r, pacing: timed, loops: []*pacedLoop{{served: "mediator", op: "pio", each: 6}, {served: "QEMU", op: "uart", each: 2}}}
	if r.config.Counted {
		o.pacing = counted
	}
	return o
}

// playOverhead has one guest make requests to the mediator and to QEMU, with a
// recorder beside them and without in turn, and prints the ratios of the rates.
// Rates in an emulated machine mean nothing; ratios in one boot do.
func playOverhead(r *run) error {
	o := newOverhead(r)
	return r.steps(
		step{"create guest", r.create},
		step{"wait for the guest's greeting", theGuest.up},
		step{"start mediator", func() error { return r.startMediator("-loops") }},
		step{"see how fast the guest is", o.calibrate},
		step{"compare", o.compare},
		step{"measure the probes", o.measureProbes},
		step{"end the mediator", o.end},
		step{"wait for the guest's end", theGuest.ended},
		step{"destroy guest", theGuest.destroy},
	)
}

func (o *overhead) calibrate() error {
	for _, l := range o.loops {
		l.count = 50
		p, err := o.pace(l)
		if err != nil {
			return err
		}
		l.count = max(1, int(float64(l.count)*o.loop.Seconds()/p.took.Seconds()))
	}
	return nil
}

func (o *overhead) compare() error {
	for i := range o.pairs {
		for _, recorded := range []bool{i%2 == 0, i%2 != 0} {
			if err := o.turn(recorded); err != nil {
				return err
			}
		}
		for _, l := range o.loops {
			with, without := l.with[i], l.without[i]
			o.say("overhead: %s: pair %d: recorded %.0f requests/s, not recorded %.0f, ratio %.3f, recorder's CPU time %.1f µs a request",
				l.served, i+1, l.rate(with), l.rate(without), ratio(with, without), l.share(with.cpu))
		}
	}
	for _, l := range o.loops {
		o.say("overhead: %s: median ratio %.3f of %d pairs, %d CPUs", l.served, l.median(ratio), o.pairs, runtime.NumCPU())
		if runtime.NumCPU() == 1 { // the recorder takes its time from the device model
			o.say("overhead: %s: %.3f without the recorder's own CPU time", l.served, l.median(probesRatio))
		}
	}
	return nil
}

// turn measures all loops once.
func (o *overhead) turn(recorded bool) error {
	if recorded {
		if err := o.startRecorderWith("--force", "--sample", o.sample); err != nil {
			return err
		}
	}
	for _, l := range o.loops {
		p, err := o.pace(l)
		if err != nil {
			return err
		}
		if recorded {
			l.with = append(l.with, p)
		} else {
			l.without = append(l.without, p)
		}
	}
	return o.stopRecorder()
}

// pace has the guest perform a loop.
func (o *overhead) pace(l *pacedLoop) (pace, error) {
	before, err := cpuTime(o.recorder)
	if err != nil {
		return pace{}, err
	}
	if _, err := fmt.Fprintln(o.mediator.stdin, l.op, l.count); err != nil {
		return pace{}, err
	}
	line, err := o.mediator.nextLine("took ")
	if err != nil {
		return pace{}, err
	}
	took, err := time.ParseDuration(strings.TrimPrefix(line, "took "))
	if err != nil {
		return pace{}, err
	}
	after, err := cpuTime(o.recorder)
	return pace{took, after - before}, err
}

// measureProbes has the kernel measure the probes, which costs time by itself.
func (o *overhead) measureProbes() error {
	if err := o.startRecorderWith("--force", "--sample", o.sample, "--verbose"); err != nil {
		return err
	}
	requests := 0.0
	for _, l := range o.loops {
		if _, err := o.pace(l); err != nil {
			return err
		}
		requests += float64(l.count) * l.each
	}
	p := o.recorder
	if err := o.stopRecorder(); err != nil {
		return err
	}
	o.say("overhead: probes measured over %.0f requests:\n%s", requests, p.lastWords())
	return nil
}

func (o *overhead) end() error {
	if err := o.mediator.stdin.Close(); err != nil {
		return err
	}
	return o.endMediator()
}

func (l *pacedLoop) requests() float64 { return float64(l.count) * l.each }

func (l *pacedLoop) rate(p pace) float64 { return l.requests() / p.took.Seconds() }

// share returns how many microseconds of d each request has.
func (l *pacedLoop) share(d time.Duration) float64 { return d.Seconds() * 1e6 / l.requests() }

// ratio compares the rates of a loop with a recorder and without.
func ratio(with, without pace) float64 { return without.took.Seconds() / with.took.Seconds() }

// probesRatio does so as if the recorder's process took no time: what its probes cost.
func probesRatio(with, without pace) float64 {
	return without.took.Seconds() / (with.took - with.cpu).Seconds()
}

// median returns the median of what compares the pairs.
func (l *pacedLoop) median(compare func(with, without pace) float64) float64 {
	ratios := make([]float64, len(l.with))
	for i := range ratios {
		ratios[i] = compare(l.with[i], l.without[i])
	}
	slices.Sort(ratios)
	n := len(ratios)
	return (ratios[(n-1)/2] + ratios[n/2]) / 2
}

// cpuTime returns how much CPU time a process has used, 0 for none.
func cpuTime(p *process) (total time.Duration, err error) {
	if p == nil {
		return 0, nil
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	for _, name := range threads {
		b, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		var ran time.Duration // nanoseconds, the first of three numbers
		if _, err := fmt.Sscan(string(b), &ran); err != nil {
			return 0, fmt.Errorf("%s: %q: %w", name, b, err)
		}
		total += ran
	}
	return total, err
}
