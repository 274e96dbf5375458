package dom0

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Where the run's payload is unpacked and its results are collected.
const (
	InDir  = "/lab/in"
	OutDir = "/lab/out"

	// ModuleFile is the kernel module that the image holds; see lab/kmod.
	ModuleFile = "/usr/lib/kmed.ko"

	// PrivcmdFile is the kernel's own xen-privcmd, built so that it can answer requests
	// by itself, in the images that have it; see lab/privcmd.
	PrivcmdFile = "/usr/lib/xen-privcmd.ko"

	// KernelThread is the name of the thread in which the module serves.
	KernelThread = "kmed"
)

// Names of the payload's files.
const (
	ConfigFile   = "run.json"
	InitFile     = "init"
	AgentFile    = "agent"
	MediatorFile = "mediator"
	RecorderFile = "iotrace"
	GuestFile    = "guest.img"
	PackageFile  = "iotrace.deb"
	ProfileFile  = "kmed.profile" // what the recorder is told of the kernel module
	ProberFile   = "prober.elf"
	UnitFile     = "lab.service" // the agent as a service of systemd, with PackageFile
)

// Names of the results' files. A scenario leaves those that it has.
const (
	AgentLog      = "agent.log"   // what the agent did
	SessionFile   = "session.iot" // the recorder's trace
	FlightFile    = "flight.iot"  // what the flight recorder's dumps are named after: FlightDump is the first
	FlightDump    = "flight.0001.iot"
	FlightLog     = "flight.log"
	TopFile       = "top.json"       // what iotrace top said of the running recorder
	TopProbesFile = "topprobes.json" // what it said with probes of its own
	RecorderLog   = "recorder.log"   // the recorder's standard error
	MediatorTruth = "mediator.jsonl" // see package dm
	KernelTruth   = "kernel.jsonl"   // the kernel module's log, of the same form
	MediatorLog   = "mediator.log"   // the mediator's output
	QEMUTruth     = "qemu-ioreq.log" // QEMU's own trace of the requests it served
	QEMULog       = "qemu-dm.log"    // QEMU's messages
	GuestSerial   = "guest-serial.log"
	ToolstackLog  = "toolstack.log"
	XenInfo       = "xl-info.txt"
	XenConsole    = "xl-dmesg.txt"
	FactsFile     = "facts.json"
	XentraceFile  = "xentrace.bin" // Xen's own trace of the same session
	XentraceLog   = "xentrace.log"
	MetricsFile   = "metrics.txt"        // what the service showed Prometheus at the end of the session
	StatusFile    = "service-status.txt" // its /proc/PID/status then, and what systemd says of it
	InstalledFile = "installed.txt"      // the files of the package that are there once it is installed
	FlushedFile   = "flushed.txt"        // up to when KilledFile's recorder has all events, at the least
	KilledFile    = "killed.iot"         // repaired from what a killed recorder left
	FullFile      = "full.iot"           // of a recorder whose disk was full
	SecondFile    = "second.iot"         // of another recorder beside the first
	SecondLog     = "second.log"
	FirstTruth    = "qemu-first.log"  // QEMUTruth of a first guest, if there were more
	SecondTruth   = "qemu-second.log" // and of a second
	NeighbourLog  = "neighbour.jsonl" // the neighbour's MediatorTruth, see scenario neighbours
	NeighbourQEMU = "qemu-neighbour.log"
	DifferFile    = "differ.json" // a DifferReport
)

// Config says what the agent is to do.
type Config struct {
	Scenario    string
	Recorder    []string // arguments after "record -o FILE"; unused without HasRecorder
	HasRecorder bool
	VCPUs       int  // of the guest
	Counted     bool // time is a number of instructions
	Differ      Differ
	Soak        time.Duration // how long a soak is
}

// ReadConfig reads the payload's configuration.
func ReadConfig(path string) (Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	var c Config
	if err := json.Unmarshal(b, &c); err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Facts says where a session was recorded.
type Facts struct {
	Xen    string // version, such as 4.17.5
	Linux  string // dom0's kernel release
	VCPUs  int    // of the guest
	Domain uint16 // the guest's id
}
