# The cffi binding: two extension modules of the stable ABI over the same core. `_cffi` gives up the GIL in every call, as cffi does;
# `_quick` keeps it, which tiny calls need. Included under scikit-build-core alone.
find_package(Python 3.11 REQUIRED COMPONENTS Interpreter Development.SABIModule)

set(RR_BINDING "${CMAKE_CURRENT_SOURCE_DIR}/binding")

foreach(module IN ITEMS _cffi _quick)
  set(generated "${CMAKE_CURRENT_BINARY_DIR}/${module}.c")
  add_custom_command(
    OUTPUT "${generated}"
    COMMAND Python::Interpreter -m cffi.gen_src exec-python --ffi-var "${module}" "${RR_BINDING}/build_cffi.py" "${generated}"
    DEPENDS "${RR_BINDING}/build_cffi.py" "${RR_BINDING}/calls.h" "${RR_BINDING}/calls.c"
    COMMENT "Generating ${module}.c"
    VERBATIM)
  python_add_library(${module} MODULE WITH_SOABI USE_SABI ${SKBUILD_SABI_VERSION} "${generated}")
  target_include_directories(${module} PRIVATE "${RR_BINDING}")
  target_link_libraries(${module} PRIVATE rusted_ring)
  install(TARGETS ${module} LIBRARY DESTINATION rusted_ring/native COMPONENT python)
endforeach()
