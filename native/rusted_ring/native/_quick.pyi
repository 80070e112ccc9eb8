from rusted_ring.native._cffi import FFI, Lib

ffi: FFI
lib: Lib
