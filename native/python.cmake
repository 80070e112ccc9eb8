# The binding: two extension modules of the stable ABI over the core. `_core` has the objects and their calls; `_cffi` has the
# calls that are rare. Included under scikit-build-core alone.
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.SABIModule)

set(binding "${CMAKE_CURRENT_SOURCE_DIR}/binding")

function(rr_add_module name)
  python_add_library(${name} MODULE WITH_SOABI USE_SABI ${SKBUILD_SABI_VERSION} ${ARGN})
  target_link_libraries(${name} PRIVATE rusted_ring)
  set_target_properties(${name} PROPERTIES C_VISIBILITY_PRESET hidden)
  install(TARGETS ${name} LIBRARY DESTINATION rusted_ring/native COMPONENT python)
endfunction()

set(generated "${CMAKE_CURRENT_BINARY_DIR}/_cffi.c")
add_custom_command(
  OUTPUT "${generated}"
  COMMAND Python::Interpreter -m cffi.gen_src exec-python --ffi-var _cffi "${binding}/build_cffi.py" "${generated}"
  DEPENDS "${binding}/build_cffi.py"
  COMMENT "Generating _cffi.c"
  VERBATIM)
rr_add_module(_cffi "${generated}")

set(sources state clock arguments owners ring in_place writer reader pointers pools allocator module)
list(TRANSFORM sources PREPEND "${binding}/")
list(TRANSFORM sources APPEND ".c")
rr_add_module(_core ${sources})
target_compile_definitions(_core PRIVATE _GNU_SOURCE)
target_link_libraries(_core PRIVATE $<BUILD_INTERFACE:rusted_ring_options>)
