package diff

import "github.com/iotrace-xen/iotrace/engine"

// Shrink looks for a script, as short as it can find, that still fails, by taking
// steps out of one that does: first halves, then quarters, down to single steps, as
// long as any can go (delta debugging). The prologue and the last step always stay,
// and no script is tried that is not valid. fails performs a script anew, tries times
// at the most; as many candidates again are only asked whether they are valid.
func Shrink(s Script, release engine.Release, tries int, fails func(Script) (bool, error)) (Script, error) {
	left := 2 * tries
	for size := (len(s.Steps) - Prologue) / 2; size > 0; {
		shorter := false
		for at := len(s.Steps) - 1 - size; at >= Prologue; at -= size {
			if tries == 0 || left == 0 {
				return s, nil
			}
			left--
			t := s.without(at, size)
			bad, err := Valid(t, release)
			if bad && err == nil {
				tries--
				bad, err = fails(t)
			}
			if err != nil {
				return s, err
			}
			if bad {
				s, shorter = t, true
			}
		}
		if !shorter || size > len(s.Steps)-Prologue {
			size /= 2
		}
	}
	return s, nil
}

// without returns the script without n steps from one on, and without outcomes.
func (s Script) without(at, n int) Script {
	t := Script{Kind: s.Kind, VCPUs: s.VCPUs}
	t.Steps = append(append(t.Steps, s.Steps[:at]...), s.Steps[at+n:]...)
	return t
}
