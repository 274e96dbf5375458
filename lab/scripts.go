package lab

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/lab/diff"
	"github.com/iotrace-xen/iotrace/lab/dom0"
)

// Scripts says what scenario differ performs: first the files, then generated
// scripts of that many steps together, at the least, from a seed on. They are made on
// the host, which is ten times faster at it than the machine that it emulates.
type Scripts struct {
	Files []string // paths
	Steps int
	Seed  uint64
	Tries int  // see dom0.Differ
	Keep  bool // keep all of them with their outcomes
}

// scriptSteps is how many steps a generated script has, and hvmEvery how often one
// is for an HVM domain, which takes longer to make.
const (
	scriptSteps = 5000
	hvmEvery    = 3
)

// differ returns the scripts, and the plan that names them.
func (o Options) differ() (plan dom0.Differ, files []payloadFile, err error) {
	release, err := o.Release.model()
	if err != nil {
		return plan, nil, err
	}
	for _, path := range o.Scripts.Files {
		b, err := os.ReadFile(path)
		if err != nil {
			return plan, nil, err
		}
		files = append(files, payloadFile{filepath.Base(path), 0o644, b})
	}
	for i := 0; i*scriptSteps < o.Scripts.Steps; i++ {
		f, err := o.Scripts.generated(uint64(i), release)
		if err != nil {
			return plan, nil, err
		}
		files = append(files, f)
	}
	plan = dom0.Differ{Release: release, Tries: o.Scripts.Tries, Keep: o.Scripts.Keep}
	for _, f := range files {
		plan.Scripts = append(plan.Scripts, f.name)
	}
	return plan, files, nil
}

// generated makes the ith script.
func (s Scripts) generated(i uint64, release engine.Release) (payloadFile, error) {
	seed, kind := s.Seed+i, diff.PVH
	if i%hvmEvery == hvmEvery-1 {
		kind = diff.HVM
	}
	script, err := diff.Generate(seed, kind, release, scriptSteps)
	if err != nil {
		return payloadFile{}, fmt.Errorf("script of seed %d: %w", seed, err)
	}
	var b bytes.Buffer
	_, err = script.WriteTo(&b)
	return payloadFile{fmt.Sprintf("%d-%s.txt", seed, kind), 0o644, b.Bytes()}, err
}
