package format

// An encoding says how the values of a column are written: bits 0..1 in which
// form, and for coded values bits 2..3 the predictor, bit 4 the sign, bits 5..7
// how many of their low bytes are kept apart.
type encoding uint8

const (
	formConst  encoding = 0 // every event has the same value, which is in the directory
	formShape  encoding = 1 // all events of a shape have; the directory has one for each
	formCoded  encoding = 2 // each event's difference to what was predicted
	formBits   encoding = 3
	formOthers          = ^formBits
)

// A predictor says which earlier event's value in the same bits a coded value
// is the difference to; 0 if there is no such event in the block.
type predictor uint8

const (
	predictZero  predictor = 0 // none
	predictKind  predictor = 1 // the one before of the same kind
	predictOther predictor = 2 // the last one of the kind before in the directory
	predictShape predictor = 3 // the last one of the same shape
)

const encSigned encoding = 1 << 4

func coded(p predictor, signed bool, low int) encoding {
	e := formCoded | encoding(p)<<2 | encoding(low)<<5
	if signed {
		e |= encSigned
	}
	return e
}

func (e encoding) form() encoding       { return e & formBits }
func (e encoding) predictor() predictor { return predictor(e >> 2 & 3) }
func (e encoding) signed() bool         { return e&encSigned != 0 }
func (e encoding) low() int             { return int(e >> 5) }

// A place is where an event stands in its block, and where those are that
// predict it: the last event of the other kind, and the last alike in shape.
type place struct{ at, other, alike uint16 }

// nowhere is the position of an event that does not exist.
const nowhere = 1<<16 - 1

// maxShapes is how many shapes the events of a block can have: a byte's worth.
const maxShapes = 256
