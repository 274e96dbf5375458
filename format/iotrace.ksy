# A Kaitai Struct description of the container of iotrace traces, format 1.x:
# everything but what is inside the compressed payloads. FORMAT.md has the
# reasons, and the payload.
meta:
  id: iotrace
  title: iotrace trace of Xen ioreqs
  file-extension: iot
  license: Apache-2.0
  endian: le
seq:
  - id: header
    type: header
  - id: blocks
    type: block
    repeat: eos
types:
  header:
    seq:
      - id: frame_magic
        contents: [0x54, 0x2a, 0x4d, 0x18]
      - id: len_frame
        type: u4
      - id: magic
        contents: [0x89, 'IOT', 0x0d, 0x0a, 0x1a, 0x0a]
      - id: major
        type: u2
        valid: 1
      - id: minor
        type: u2
      - id: len_json
        type: u4
        valid:
          max: 1048576
      - id: json
        size: len_json
        type: str
        encoding: UTF-8
      - id: crc32c
        type: u4
        doc: of all bytes of the header before it
  block:
    seq:
      - id: header
        type: block_header
      - id: body
        size: header.len_body
        type:
          switch-on: header.kind
          cases:
            'block_kind::index': index
        doc: of events and key_frame zstd frames that together hold the payload
  block_header:
    seq:
      - id: frame_magic
        contents: [0x54, 0x2a, 0x4d, 0x18]
      - id: len_frame
        contents: [0x78, 0, 0, 0]
      - id: sync
        contents: [0xd3, 'iob', 0xa7, 'lk', 0x1e]
      - id: kind
        type: u1
        enum: block_kind
      - id: flags
        type: u1
      - id: reserved_1
        type: u2
      - id: num_events
        type: u4
        valid:
          max: 16384
      - id: len_body
        type: u4
        valid:
          max: 4198400
      - id: len_payload
        type: u4
      - id: first_seq
        type: u8
      - id: last_seq
        type: u8
      - id: first_time
        type: u8
      - id: last_time
        type: u8
      - id: lost
        type: u8
        doc: by the Lost events up to and with this block
      - id: events_before
        type: u8
        doc: without those of key-frames
      - id: key_frame_events_before
        type: u8
      - id: ofs_index
        type: u8
        doc: in the trailer, of the last index block; else 0
      - id: segment
        type: u4
      - id: reserved_2
        size: 20
      - id: body_crc32c
        type: u4
      - id: header_crc32c
        type: u4
        doc: of all bytes of the block header before it
    instances:
      critical:
        value: (flags & 1) != 0
      opens_segment:
        value: (flags & 2) != 0
      sparse:
        value: (flags & 4) != 0
  index:
    seq:
      - id: frame_magic
        contents: [0x54, 0x2a, 0x4d, 0x18]
      - id: len_frame
        type: u4
      - id: ofs_previous
        type: u8
        doc: of the index block before this one; 0 if there is none
      - id: num_entries
        type: u4
        valid:
          max: 4096
      - id: len_totals
        type: u4
      - id: entries
        size: len_frame - 16 - len_totals
        doc: varints, see FORMAT.md
      - id: totals
        size: len_totals
        type: str
        encoding: UTF-8
        doc: JSON; empty but in the last index block
enums:
  block_kind:
    1: events
    2: trailer
    3: key_frame
    4: index
