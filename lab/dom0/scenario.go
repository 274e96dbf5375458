package dom0

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/xen"
)

// Scenario is something that can be played in dom0.
type Scenario struct {
	Name    string
	Doc     string // one line
	play    func(*run) error
	Package bool // it takes PackageFile
	EventFD bool // it takes PrivcmdFile, in place of the kernel's
}

// Scenarios returns all scenarios.
func Scenarios() []Scenario { return append([]Scenario(nil), scenarios...) }

var scenarios = []Scenario{
	{Name: "boot", Doc: "QEMU alone serves the guest from its BIOS to our boot sector; recorded from before xl create, and by a flight recorder until it is destroyed", play: playBoot},
	{Name: "mediator", Doc: "QEMU and the mediator serve one guest; recorded from before xl create to after xl destroy, and a part of it by another recorder", play: playMediator},
	{Name: "demo", Doc: "mediator with a third of its requests", play: playDemo},
	{Name: "late", Doc: "as mediator, but both recorders attach halfway, to servers that are in use", play: playLate},
	{Name: "flood", Doc: "as mediator, with a part in which the guest writes to VGA memory as fast as it can", play: playFlood},
	{Name: "overload", Doc: "as mediator, with the recorder stopped through the first half, so that its buffer fills up", play: playOverload},
	{Name: "overhead", Doc: "requests to the mediator and to QEMU, in turns with the recorder and without; prints both rates", play: playOverhead},
	{Name: "soak", Doc: "requests to the mediator and to QEMU for half an hour; watches what the recorder has in memory", play: playSoak},
	{Name: "kernel", Doc: "QEMU and a mediator inside dom0's kernel serve one guest; recorded from before xl create", play: playKernel},
	{Name: "eventfd", Doc: "QEMU and the mediator serve one guest, some of whose requests the kernel answers; recorded from before xl create", play: playEventFD, EventFD: true},
	{Name: "lifetimes", Doc: "device models that exec, pass their devices on, are killed and restarted; a domain of the same id after that; two recorders", play: playLifetimes},
	{Name: "moves", Doc: "a guest that is paused, saved, restored and migrated to where it is, and served by the mediator then", play: playMoves},
	{Name: "neighbours", Doc: "two guests at a time, each with its QEMU and its mediator", play: playNeighbours},
	{Name: "xentrace", Doc: "as mediator, with Xen's own xentrace running beside the recorder", play: playXentrace},
	{Name: "service", Doc: "as mediator, recorded by the installed package as its unit says, beside recorders that are killed and run out of disk", play: playService, Package: true},
	{Name: "differ", Doc: "scripts performed on real Xen and on the model", play: playDiffer},
	{Name: "shell", Doc: "a shell in dom0, with Xen's tools running and a guest ready to create"},
}

// FindScenario returns the scenario with that name.
func FindScenario(name string) (Scenario, error) {
	for _, s := range scenarios {
		if s.Name == name {
			return s, nil
		}
	}
	return Scenario{}, fmt.Errorf("scenario %q: not known; run 'xenlab scenarios' for a list", name)
}

// run is one scenario in progress.
type run struct {
	config   Config
	say      func(format string, args ...any)
	domain   xen.DomID
	recorder *process
	second   *process // a recorder beside that one
	flight   *process
	mediator *process
	xentrace *process
}

func playBoot(r *run) error {
	return r.steps(
		step{"start flight recorder", r.startFlight},
		step{"start recorder", r.startRecorder},
		step{"create guest", r.create},
		step{"watch the recorder", r.watchRecorder},
		step{"wait for the guest's greeting", theGuest.up},
		step{"end recorder", r.endRecorder},
		step{"destroy guest", theGuest.destroy},
		step{"end flight recorder", r.stopFlight},
	)
}

// playMediator has a recorder beside that is told to record a part.
func playMediator(r *run) error {
	return r.steps(
		step{"start a recorder of a part", r.startPart},
		step{"play", func() error { return r.playSession() }},
		step{"end the recorder of a part", r.stopSecond},
	)
}

func playDemo(r *run) error { return r.playSession("-divide", "3") }

func playEventFD(r *run) error { return r.playSession("-eventfds") }

// floodWrites is how many writes a flood has.
const floodWrites = "60000"

func playFlood(r *run) error { return r.playSession("-flood", floodWrites) }

// playOverload stops the recorder as a debugger would, and lets it go on halfway.
// Meanwhile the toolstack makes calls, which have a share of the buffer, too.
func playOverload(r *run) error {
	return r.steps(
		step{"start recorder", r.startRecorder},
		step{"create guest", r.create},
		step{"wait for the guest's greeting", theGuest.up},
		step{"stop recorder", func() error { return r.recorder.signal(syscall.SIGSTOP) }},
		step{"start mediator", func() error { return r.startMediator("-pause") }},
		step{"wait for the mediator's pause", func() error { return r.mediator.waitLine("paused") }},
		step{"use the toolstack", useToolstack},
		step{"let recorder go on", func() error { return r.recorder.signal(syscall.SIGCONT) }},
		step{"resume mediator", r.resumeMediator},
		step{"wait for the mediator's end", r.endMediator},
		step{"wait for the guest's end", theGuest.ended},
		step{"destroy guest", theGuest.destroy},
		step{"end recorder", r.endRecorder},
	)
}

// playXentrace records one session twice. xentrace starts first and ends last.
func playXentrace(r *run) error {
	return r.steps(
		step{"start xentrace", r.startXentrace},
		step{"play", func() error { return r.playSession() }},
		step{"end xentrace", r.stopXentrace},
	)
}

func (r *run) playSession(mediatorFlags ...string) error {
	return r.steps(
		step{"start recorder", r.startRecorder},
		step{"create guest", r.create},
		step{"wait for the guest's greeting", theGuest.up},
		step{"start mediator", func() error { return r.startMediator(mediatorFlags...) }},
		step{"wait for the mediator's end", r.endMediator},
		step{"wait for the guest's end", theGuest.ended},
		step{"destroy guest", theGuest.destroy},
		step{"end recorder", r.endRecorder},
	)
}

func playLate(r *run) error {
	return r.steps(
		step{"create guest", r.create},
		step{"wait for the guest's greeting", theGuest.up},
		step{"start mediator", func() error { return r.startMediator("-pause") }},
		step{"wait for the mediator's pause", func() error { return r.mediator.waitLine("paused") }},
		step{"start recorder", r.startRecorder},
		step{"start a recorder of a part", r.startLatePart},
		step{"resume mediator", r.resumeMediator},
		step{"wait for the mediator's end", r.endMediator},
		step{"wait for the guest's end", theGuest.ended},
		step{"end the recorder of a part", r.stopSecond},
		step{"end recorder", r.endRecorder},
		step{"destroy guest", theGuest.destroy},
	)
}

// step is a part of a scenario; its name is what a failure is reported under.
type step struct {
	name string
	do   func() error
}

func (r *run) steps(steps ...step) error {
	for _, s := range steps {
		r.say("%s", s.name)
		if err := s.do(); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func (r *run) create() (err error) {
	r.domain, err = theGuest.create(r.config.VCPUs)
	return err
}

// startRecorder starts the recorder, if the run has one, and waits until it says
// that everything is attached.
func (r *run) startRecorder() error { return r.startRecorderWith() }

// startRecorderWith also gives the recorder flags that the scenario needs.
func (r *run) startRecorderWith(flags ...string) (err error) {
	if !r.config.HasRecorder {
		return nil
	}
	// A device model consumes a ring some ten times slower under TCG than on
	// hardware, so looks may be as much rarer.
	argv := append([]string{filepath.Join(InDir, RecorderFile), "record", "-o", filepath.Join(OutDir, SessionFile), "--sample", "2ms"},
		slices.Concat(flags, r.config.Recorder)...)
	if r.recorder, err = start(RecorderLog, argv...); err != nil {
		return err
	}
	return r.recorder.waitLine("recording")
}

// startOther starts a recorder beside the scenario's.
func startOther(log, recorder, out string, flags ...string) (*process, error) {
	p, err := start(log, append([]string{recorder, "record", "-o", out, "--sample", "2ms"}, flags...)...)
	if err != nil {
		return nil, err
	}
	return p, p.waitLine("recording")
}

// incomplete is behind the name of a trace that is not closed.
const incomplete = ".incomplete"

// awaitKeyFrame waits until a trace has a key-frame, which a recorder writes each ten
// seconds or so: on a fast machine a session is over before. A recorder that was told to
// write no such file is not waited for.
func awaitKeyFrame(name string) error {
	f, err := os.Open(name + incomplete)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return until("a key-frame in the trace", func() error {
		st, err := f.Stat()
		if err != nil {
			return err
		}
		got, err := format.Check(f, st.Size())
		if err == nil && got.KeyFrames == 0 {
			err = fmt.Errorf("%d events without one", got.Events)
		}
		return err
	})
}

// endRecorder stops the recorder once its trace has a key-frame.
func (r *run) endRecorder() error {
	if err := awaitKeyFrame(filepath.Join(OutDir, SessionFile)); err != nil {
		return err
	}
	return r.stopRecorder()
}

func (r *run) stopRecorder() error {
	if r.recorder == nil {
		return nil
	}
	p := r.recorder
	r.recorder = nil
	err := errors.Join(r.checkMemory(p), p.interrupt())
	r.say("recorder: %s", lastLine([]byte(p.lastWords())))
	return err
}

// The classes of Xen's trace that a session has (public/trace.h): what xentrace -e hvm
// records, a guest's accesses and the exits around them with their times, and of whose
// vCPU they are, which only the scheduler tells.
const (
	classHVM       = 0x0008f000 // TRC_HVM
	ClassTimers    = 0x00084000 // of these TRC_HVM_EMUL: Xen's emulated timers
	ClassScheduler = 0x0002f000 // TRC_SCHED
)

// startXentrace returns when the trace file is there: the buffers are on soon
// after, and long before a guest is.
func (r *run) startXentrace() (err error) {
	path := filepath.Join(OutDir, XentraceFile)
	if r.xentrace, err = start(XentraceLog, "xentrace", "-D", "-S", "256", "-e", fmt.Sprintf("%#x", classHVM|ClassScheduler), path); err != nil {
		return err
	}
	return until("xentrace to open "+XentraceFile, func() error {
		_, err := os.Stat(path)
		return err
	})
}

func (r *run) stopXentrace() error {
	p := r.xentrace
	r.xentrace = nil
	return p.interrupt()
}

func (r *run) startMediator(flags ...string) (err error) {
	r.mediator, err = r.serve(MediatorFile, r.domain, MediatorLog, MediatorTruth, flags...)
	return err
}

// serve has the mediator, by one of its names, serve a domain and log to truth.
func (r *run) serve(name string, dom xen.DomID, log, truth string, flags ...string) (*process, error) {
	argv := append([]string{filepath.Join(InDir, name),
		"-domain", strconv.Itoa(int(dom)), "-vcpus", strconv.Itoa(r.config.VCPUs),
		"-log", filepath.Join(OutDir, truth)}, flags...)
	return start(log, argv...)
}

func (r *run) resumeMediator() error {
	_, err := fmt.Fprintln(r.mediator.stdin, "go")
	return err
}

func (r *run) endMediator() error {
	if err := r.mediator.wait(sessionPatience); err != nil {
		return err
	}
	r.say("mediator: %s", r.mediator.lastWords())
	r.mediator = nil
	return nil
}

// stopAll ends what a failed scenario left running. The recorder gets a chance
// to finish its file.
func (r *run) stopAll() {
	if r.mediator != nil {
		r.mediator.kill()
	}
	for _, p := range []*process{r.xentrace, r.flight, r.second} {
		if p != nil {
			p.kill()
		}
	}
	if r.recorder != nil {
		if err := r.recorder.interrupt(); err != nil {
			r.say("recorder: %v", err)
			r.recorder.kill()
		}
	}
}

// collect copies what Xen's tools left elsewhere to OutDir. Missing files are
// noted, not failures.
func (r *run) collect() {
	if out, err := command("xl", "dmesg"); err != nil {
		r.say("note: %v", err)
	} else if err := os.WriteFile(filepath.Join(OutDir, XenConsole), []byte(out), 0o644); err != nil {
		r.say("note: %v", err)
	}
	if r.domain == 0 {
		return // no guest, no logs of its tools
	}
	for from, to := range map[string]string{
		"/var/log/xen/qemu-dm-" + theGuest.name + ".log": QEMULog,
		"/var/log/xen/xl-" + theGuest.name + ".log":      ToolstackLog,
	} {
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(OutDir, to), b, 0o644)
		}
		if err != nil {
			r.say("note: %v", err)
		}
	}
}
