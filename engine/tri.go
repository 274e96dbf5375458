package engine

// Tri is a truth value of partial knowledge.
type Tri uint8

// The three values. The zero value is the one that claims nothing.
const (
	Maybe Tri = iota
	No
	Yes
)

// String returns "maybe", "no" or "yes".
func (t Tri) String() string {
	switch t {
	case No:
		return "no"
	case Yes:
		return "yes"
	}
	return "maybe"
}

// triOf returns Yes or No.
func triOf(b bool) Tri {
	if b {
		return Yes
	}
	return No
}
