package format

// An encoding says how the values of a column are written: bits 0..1 in which
// form, and for coded values bits 2..3 the predictor, bit 4 the sign, bits 5..7
// how many of their low bytes are kept apart.
type encoding uint8

const (
	formConst encoding = 0 // every event has the same value, which is in the directory
	formShape encoding = 1 // all events of a shape have; the directory has one for each
	formSteps encoding = 2 // every event's difference to what was predicted is the same
	formCoded encoding = 3 // each event has its own
	formBits  encoding = 3
)

// A predictor says which earlier event's value in the same bits a coded value
// is the difference to; 0 if there is no such event in the block.
type predictor uint8

const (
	predictZero  predictor = 0 // none
	predictKind  predictor = 1 // the one before of the same kind; before the first, what the directory says
	predictOther predictor = 2 // the last one of the kind before in the directory
	predictShape predictor = 3 // the last one of the same shape
)

const encSigned encoding = 1 << 4

func (e encoding) form() encoding       { return e & formBits }
func (e encoding) predictor() predictor { return predictor(e >> 2 & 3) }
func (e encoding) signed() bool         { return e&encSigned != 0 }
func (e encoding) low() int             { return int(e >> 5) }

// with returns form e with a predictor.
func (e encoding) with(p predictor) encoding { return e | encoding(p)<<2 }

// A place is where an event stands in its block, where the last one of the other
// kind is that may predict it, and the number of its shape.
type place uint64

// nowhere is the position of an event that does not exist.
const nowhere = 1<<16 - 1

// maxShapes is how many shapes the events of a block can have: a byte's worth.
const maxShapes = 256

func newPlace(at int, other uint16, shape uint8) place {
	return place(uint16(at)) | place(other)<<16 | place(shape)<<32
}

func (p place) at() int      { return int(uint16(p)) }
func (p place) other() int   { return int(uint16(p >> 16)) }
func (p place) shape() uint8 { return uint8(p >> 32) }
