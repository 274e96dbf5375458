package dom0

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// process is a program that runs beside the scenario. Its output goes to a file
// and, line by line, to whoever waits for one.
type process struct {
	name  string
	log   string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string   // closed at the end of the output
	done  chan struct{} // closed when the program has ended
	err   error         // valid after done
}

// start runs a program; standard output and error both go to OutDir/log.
func start(log string, argv ...string) (*process, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	p := &process{name: filepath.Base(cmd.Path), log: log, cmd: cmd, lines: make(chan string, 1024), done: make(chan struct{})}
	f, err := os.Create(filepath.Join(OutDir, log))
	if err != nil {
		return nil, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	p.stdin, err = p.cmd.StdinPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), r.Close(), w.Close())
	}
	_ = w.Close() // the program has its own
	go p.follow(r, f)
	return p, nil
}

// follow copies output until it ends, then reaps the program.
func (p *process) follow(r io.ReadCloser, log io.WriteCloser) {
	for sc := bufio.NewScanner(r); sc.Scan(); {
		fmt.Fprintln(log, sc.Text())
		select {
		case p.lines <- sc.Text():
		default: // nobody waits; the file has it
		}
	}
	_, _ = r.Close(), log.Close() // a lost log line fails no scenario
	close(p.lines)
	p.err = p.cmd.Wait()
	close(p.done)
}

// waitLine waits for a line of output that starts with prefix.
func (p *process) waitLine(prefix string) error {
	_, err := p.nextLine(prefix)
	return err
}

// nextLine is waitLine for who wants to read the line.
func (p *process) nextLine(prefix string) (string, error) {
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				return "", fmt.Errorf("%s ended before a line %q: %v\n%s", p.name, prefix, p.wait(patience), p.lastWords())
			}
			if strings.HasPrefix(line, prefix) {
				return line, nil
			}
		case <-timeout:
			return "", fmt.Errorf("waited %v for %s to print a line %q\n%s", patience, p.name, prefix, p.lastWords())
		}
	}
}

// wait waits for the program to end; nil means that it said all went well.
func (p *process) wait(limit time.Duration) error {
	select {
	case <-p.done:
	case <-time.After(limit):
		return fmt.Errorf("waited %v for %s to end\n%s", limit, p.name, p.lastWords())
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w\n%s", p.name, p.err, p.lastWords())
	}
	return nil
}

// interrupt asks the program to end, as Ctrl-C would, and waits for that.
func (p *process) interrupt() error { return p.end(syscall.SIGINT) }

// signal sends the program a signal.
func (p *process) signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("%s: %v: %w\n%s", p.name, s, err, p.lastWords())
	}
	return nil
}

// end asks the program to end and waits for that.
func (p *process) end(s syscall.Signal) error {
	if err := p.signal(s); err != nil {
		return err
	}
	return p.wait(patience)
}

// kill ends the program if it still runs.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended, which is what we want
	<-p.done
}

// lastWords returns the end of the program's output.
func (p *process) lastWords() string {
	b, err := os.ReadFile(filepath.Join(OutDir, p.log))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
