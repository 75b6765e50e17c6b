# Weights to and from other programs: exchange.cpp is our side, Python with h5py, onnx and OpenCV the other.

if(NOT (TARGET abell::keras AND TARGET abell::onnx))
  message(STATUS "abell-exchange is left out: abell::keras or abell::onnx was not found")
  return()
endif()
add_executable(abell-exchange exchange/exchange.cpp)
abell_set_up_program(abell-exchange)
target_include_directories(abell-exchange PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
target_link_libraries(abell-exchange PRIVATE abell::keras abell::onnx)
add_executable(abell-onnx-answers exchange/onnx_answers.cpp)
abell_set_up_program(abell-onnx-answers)
target_include_directories(abell-onnx-answers PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
target_link_libraries(abell-onnx-answers PRIVATE abell::onnx)
add_test(NAME "exchange: onnx_in" COMMAND bash "${CMAKE_CURRENT_SOURCE_DIR}/exchange/onnx_in.sh"
                                          $<TARGET_FILE:abell-exchange> $<TARGET_FILE:abell-onnx-answers>)
set_tests_properties("exchange: onnx_in" PROPERTIES LABELS programs SKIP_RETURN_CODE 77)
foreach(format IN ITEMS keras onnx torch)
  add_test(NAME "exchange: ${format}" COMMAND bash "${CMAKE_CURRENT_SOURCE_DIR}/exchange/${format}.sh"
                                              $<TARGET_FILE:abell-exchange>)
  set_tests_properties("exchange: ${format}" PROPERTIES LABELS programs SKIP_RETURN_CODE 77)
endforeach()
