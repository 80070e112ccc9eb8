# The binding: three extension modules of the stable ABI over the same core. `_cffi` gives up the GIL in every call, as cffi does;
# `_quick` keeps it, which tiny calls need; `_hold` has the objects that end with their last reference, and the methods
# that programs call most. Included under scikit-build-core alone.
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.SABIModule)

set(binding "${CMAKE_CURRENT_SOURCE_DIR}/binding")

function(rr_add_module name source)
  python_add_library(${name} MODULE WITH_SOABI USE_SABI ${SKBUILD_SABI_VERSION} "${source}")
  target_include_directories(${name} PRIVATE "${binding}")
  target_link_libraries(${name} PRIVATE rusted_ring)
  set_target_properties(${name} PROPERTIES C_VISIBILITY_PRESET hidden)
  # The shims are compiled into each module, which calls some of them.
  target_compile_options(${name} PRIVATE $<$<C_COMPILER_ID:GNU,Clang,AppleClang>:-Wno-unused-function>)
  install(TARGETS ${name} LIBRARY DESTINATION rusted_ring/native COMPONENT python)
endfunction()

foreach(module IN ITEMS _cffi _quick)
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/${module}.c")
  add_custom_command(
    OUTPUT "${generated}"
    COMMAND Python::Interpreter -m cffi.gen_src exec-python --ffi-var "${module}" "${binding}/build_cffi.py" "${generated}"
    DEPENDS "${binding}/build_cffi.py" "${binding}/calls.h"
    COMMENT "Generating ${module}.c"
    VERBATIM)
  # cffi includes calls.c by name, which the dependency scan of the compiler sees once it was compiled.
  set_source_files_properties("${generated}" PROPERTIES OBJECT_DEPENDS "${binding}/calls.c")
  rr_add_module(${module} "${generated}")
endforeach()
rr_add_module(_hold "${binding}/hold.c")
