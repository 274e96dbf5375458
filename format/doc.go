// Package format reads and writes iotrace files.
//
// A trace is a header, then events in the order in which they were seen, then a
// mark that it was closed cleanly. It has three forms with the same content: the
// binary form (Writer, Reader), which is a legal sequence of zstd frames, the
// text form (TextWriter, TextReader), one line an event, and JSON Lines
// (JSONWriter, JSONReader) for other programs. Open tells them apart by content.
// FORMAT.md, next to this file, draws them all.
//
// Events are plain values: keep them, copy them, compare them with ==. Every
// event of whatever kind survives all forms unchanged, also kinds and bits
// that this version has no name for; only KindInvalid is refused. Writer.Write
// numbers the events, Writer.Put keeps their numbers, readers give them back.
// Kinds from KindState on are parts of key-frames, places where reading can begin;
// who wants only what happened skips them (Kind.InKeyFrame).
//
// The binary form is a series of blocks, each of which decodes alone. A reader
// delivers a block's events only after the checksum of the block was verified, so a
// damaged or cut file yields the right events up to the damage and then an error.
// What has a right checksum and is wrong all the same, a program wrote so: of such a
// block some events may be delivered before the error. The error is a
// *CorruptError (or, for text, a *TextError) that says where and wraps
// ErrTruncated, ErrChecksum, ErrTooLarge, ErrVersion, ErrNotTrace, ErrMissing or
// ErrMalformed. An error is always the last pair of an iteration; Reader.Resume
// goes on behind the damage, with a Lost event for what is missing. Sizes are
// checked against fixed limits before anything is allocated for them, so a
// reader's memory does not depend on what a file claims.
//
// Reader needs no more than an io.Reader. File takes an io.ReaderAt and uses the
// index at the end: it reads from any number or time on. Ordered has several
// processors decode its blocks and work on them, and gives the results in order.
// Check says what is wrong with a file, Repair writes a new one.
//
// Nothing here opens a file, reads a clock, logs, or closes what it was given.
// Writers and readers are not safe for concurrent use; different ones are
// independent.
package format
