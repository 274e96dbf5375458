package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/iotrace-xen/iotrace/format"
	"github.com/iotrace-xen/iotrace/replay"
)

// replayed returns the verdicts and the report of 'iotrace replay'.
func replayed(t *testing.T, args ...string) ([]replay.Verdict, replay.Report) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(mustRun(t, append([]string{"replay", "--format", "jsonl"}, args...)...)), "\n")
	var verdicts []replay.Verdict
	var r replay.Report
	for i, line := range lines {
		if i == len(lines)-1 {
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			break
		}
		var v replay.Verdict
		var kind struct {
			Verdict string `json:"verdict"`
		}
		if err := json.Unmarshal([]byte(strings.Replace(line, `"verdict":"`, `"v":"`, 1)), &v); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(line), &kind); err != nil {
			t.Fatal(err)
		}
		v.Kind = map[string]replay.VerdictKind{"agree": replay.Agree, "differ": replay.Differ, "undetermined": replay.Undetermined}[kind.Verdict]
		verdicts = append(verdicts, v)
	}
	if r.KeyFrameMismatches != 0 {
		t.Errorf("%v: %d key-frames are wrong: %s", args, r.KeyFrameMismatches, r.FirstMismatch)
	}
	return verdicts, r
}

// quietHost writes a synthetic trace of several segments.
func quietHost(t *testing.T) string {
	name := filepath.Join(t.TempDir(), "x.iot")
	mustRun(t, "gen", "--events", "50000", "--rate", "1000", "--churn", "1", "--life", "8000", "--seed", "5", "-o", name)
	return name
}

func keyFrames(t *testing.T, name string) (at []uint64) {
	_, events, _ := readTrace(t, name)
	for _, e := range events {
		if e.Kind == format.KindKeyFrame {
			at = append(at, e.Seq)
		}
	}
	return at
}

func between(verdicts []replay.Verdict, from, to uint64) (out []replay.Verdict) {
	for _, v := range verdicts {
		if v.Event >= from && v.Event < to {
			out = append(out, v)
		}
	}
	return out
}

// TestReplayFromAnywhere: for the start of every segment, and for places in
// between, the verdicts of a range are those of the whole in it, from a file and
// from text.
func TestReplayFromAnywhere(t *testing.T) {
	name := quietHost(t)
	whole, _ := replayed(t, name)
	starts := keyFrames(t, name)
	if len(starts) < 3 {
		t.Fatalf("%d segments", len(starts))
	}
	text := filepath.Join(t.TempDir(), "x.txt")
	if err := os.WriteFile(text, []byte(mustRun(t, "cat", name)), 0o644); err != nil {
		t.Fatal(err)
	}
	for i, s := range starts {
		for _, from := range []uint64{s, s + 777} {
			to := from + 5000
			span := []string{"--from", "seq:" + strconv.FormatUint(from, 10), "--to", "seq:" + strconv.FormatUint(to, 10)}
			want := between(whole, from, to)
			files := []string{name}
			if i == 1 {
				files = append(files, text)
			}
			for _, f := range files {
				got, r := replayed(t, append(span, f)...)
				if !slices.Equal(got, want) || r.From != from || r.Events > to-from {
					t.Errorf("%s from %d: %d verdicts, want %d; %d events from %d", f, from, len(got), len(want), r.Events, r.From)
				}
			}
		}
	}
}

// TestPartsHaveTheVerdictsOfTheWhole splits in each way.
func TestPartsHaveTheVerdictsOfTheWhole(t *testing.T) {
	traces := map[string]string{"gen": quietHost(t)}
	for _, s := range []string{"mediator-4.17", "boot-4.20", "late-4.17"} {
		traces[s] = filepath.Join(samplesDir(t), s+".iot")
	}
	for what, name := range traces {
		whole, _ := replayed(t, name)
		for _, flags := range [][]string{{"--segments", "1"}, {"--segments", "2"}, {"--time", "15s"}, {"--size", "60KiB"}} {
			if what != "gen" && flags[1] != "1" {
				continue
			}
			base := filepath.Join(t.TempDir(), "p.iot")
			parts := strings.Fields(mustRun(t, append([]string{"split", name, "-o", base}, flags...)...))
			var got []replay.Verdict
			for _, p := range parts {
				v, _ := replayed(t, p)
				got = append(got, v...)
			}
			if !slices.Equal(got, whole) {
				t.Errorf("%s %v: %d verdicts in %d parts, want %d", what, flags, len(got), len(parts), len(whole))
			}
			if len(parts) > 1 {
				merged := base + ".whole"
				mustRun(t, append([]string{"merge", "-o", merged}, parts...)...)
				if v, _ := replayed(t, merged); !slices.Equal(v, whole) {
					t.Errorf("%s %v: %d verdicts in the merged trace, want %d", what, flags, len(v), len(whole))
				}
			}
		}
	}
}

// TestDomainsHaveTheVerdictsOfTheWhole: a part by domain judges that domain as
// the whole does, and has no other.
func TestDomainsHaveTheVerdictsOfTheWhole(t *testing.T) {
	for what, name := range map[string]string{"gen": quietHost(t), "late": filepath.Join(samplesDir(t), "late-4.17.iot"), "mediator": filepath.Join(samplesDir(t), "mediator-4.17.iot")} {
		whole, _ := replayed(t, name)
		n := 0
		for _, p := range strings.Fields(mustRun(t, "split", name, "--by-domain", "-o", filepath.Join(t.TempDir(), "p.iot"))) {
			got, _ := replayed(t, p)
			n += len(got)
			if len(got) == 0 {
				continue
			}
			var want []replay.Verdict
			for _, v := range whole {
				if v.Dom == got[0].Dom {
					want = append(want, v)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %d verdicts, the whole has %d", p, len(got), len(want))
			}
		}
		if n != len(whole) {
			t.Errorf("%s: %d verdicts in all parts, want %d", what, n, len(whole))
		}
	}
}

// TestRepackKeepsVerdicts: coarser times and no data leave the key-frames where
// they are; a slice replays as that range of the whole does.
func TestRepackKeepsVerdicts(t *testing.T) {
	name := quietHost(t)
	whole, _ := replayed(t, name)
	starts := keyFrames(t, name)
	base := filepath.Join(t.TempDir(), "r")
	for i, flags := range [][]string{{}, {"--time-resolution", "1us", "--data", "none"}} {
		out := base + strconv.Itoa(i)
		mustRun(t, append([]string{"repack", name, "-o", out}, flags...)...)
		got, _ := replayed(t, out)
		if len(got) != len(whole) || !slices.Equal(keyFrames(t, out), starts) {
			t.Errorf("%v: %d verdicts, want %d; key-frames at %d, want %d", flags, len(got), len(whole), keyFrames(t, out), starts)
		}
		for j := range got {
			if got[j].Kind != whole[j].Kind {
				t.Fatalf("%v: %v, want %v", flags, got[j], whole[j])
			}
		}
	}
	from, to := starts[0]+1, starts[2]+300
	mustRun(t, "repack", name, "-o", base, "--from", "seq:"+strconv.FormatUint(from, 10), "--to", "seq:"+strconv.FormatUint(to, 10))
	got, _ := replayed(t, base)
	if want := between(whole, from, to); len(got) != len(want) {
		t.Errorf("slice: %d verdicts, want %d", len(got), len(want))
	}
}
