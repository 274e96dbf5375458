package format

// An encoding says how a column is written: bits 0..1 in which form, and for
// codes bits 2..3 with which predictor, bits 4..7 in how many bytes.
type encoding uint8

const (
	formConst encoding = 0 // every event has the same value, which is in the directory
	formShape encoding = 1 // all events of a shape have; the directory has one for each
	formCodes encoding = 2 // each event has a code; of no bytes if there is only one
	formRare  encoding = 3 // all have the same code, of no bytes, but for a few, which escapes name
)

// A predictor says which earlier event's value in the same bits a coded value
// is the difference to; 0 if there is no such event in the block.
type predictor uint8

const (
	predictZero  predictor = 0 // none
	predictKind  predictor = 1 // the one before of the same kind; before the first, what the directory says
	predictPair  predictor = 2 // the last one of the kind before in the directory with the same ids
	predictShape predictor = 3 // the last one of the same shape
)

// codesOf returns the encoding of codes.
func codesOf(p predictor, size uint8) encoding { return formCodes | encoding(p)<<2 | encoding(size)<<4 }

// rareOf returns the encoding of codes that are alike but for a few.
func rareOf(p predictor) encoding { return formRare | encoding(p)<<2 }

func (e encoding) form() encoding       { return e & 3 }
func (e encoding) predictor() predictor { return predictor(e >> 2 & 3) }
func (e encoding) size() uint8          { return uint8(e >> 4) }

// valid says whether this version knows such an encoding.
func (e encoding) valid() bool {
	return e <= formShape || e.form() == formCodes && e.size() <= maxSize || e.form() == formRare && e.size() == 0
}

// escapes says whether there may be escapes.
func (e encoding) escapes() bool { return e.form() == formRare || e.size() > 0 }

const (
	maxSize  = 8  // bytes of a column's code
	maxWidth = 56 // bits of a time's code: as many as eight bytes have, wherever in a byte they begin
)

// escapeOf returns the code of w bits that stands for a difference which no
// other code says: all ones. Without bits there is no such code.
func escapeOf(w uint8) uint64 {
	if w == 0 {
		return 1
	}
	return 1<<w - 1 // also if w is 64
}

// A place is where an event stands in its chunk, where the one is that may predict
// it as a pair, and the number of its shape.
type place uint64

// nowhere is the position of an event that does not exist.
const nowhere = 1<<16 - 1

// maxShapes is how many shapes the events of a block can have: a byte's worth.
const maxShapes = 256

func newPlace(at int, pair uint16, shape uint8) place {
	return place(uint16(at)) | place(pair)<<16 | place(shape)<<32
}

func (p place) at() int      { return int(uint16(p)) }
func (p place) pair() int    { return int(uint16(p >> 16)) }
func (p place) shape() uint8 { return uint8(p >> 32) }
