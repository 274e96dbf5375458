package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// keyCount is more interrupts than the BIOS causes when it looks for a keyboard.
const keyCount = 20

// TestWakerInterrupts has a machine without anything to boot, whose BIOS has switched
// the keyboard on before it looks for a disk, count its interrupts.
func TestWakerInterrupts(t *testing.T) {
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil {
		t.Skip("no QEMU here: make lab-packages installs it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-nodefaults", "-display", "none")
	w, err := newWaker(cmd)
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cancel()
	replies := bufio.NewScanner(out)
	now := time.Now()
	for begun := keys(t, w.qmp, replies); keys(t, w.qmp, replies) < begun+keyCount; now = now.Add(keyPeriod) {
		w.wake(now)
		time.Sleep(time.Second / 10)
	}
}

// keys returns how many interrupts the keyboard has sent.
func keys(t *testing.T, qmp io.Writer, replies *bufio.Scanner) (n int) {
	t.Helper()
	if _, err := io.WriteString(qmp, `{"execute": "human-monitor-command", "arguments": {"command-line": "info irq"}}`+"\n"); err != nil {
		t.Fatal(err)
	}
	for replies.Scan() {
		var r struct {
			Return any
			Error  any
		}
		if err := json.Unmarshal(replies.Bytes(), &r); err != nil || r.Error != nil {
			t.Fatalf("QEMU says %s: %v", replies.Text(), err)
		}
		if said, is := r.Return.(string); is {
			if at := strings.Index(said, "\n 1:"); at >= 0 {
				_, err := fmt.Sscan(said[at+len("\n 1:"):], &n)
				if err != nil {
					t.Fatalf("QEMU says %q: %v", said, err)
				}
			}
			return n
		}
	}
	t.Fatalf("QEMU has ended: %v", replies.Err())
	return 0
}
