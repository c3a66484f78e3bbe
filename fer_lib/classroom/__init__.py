"""For teachers: assignments from one source each, the teacher's pack, and safe grading.

`source` reads an assignment and strips it for learners, `assignments` writes the learners' notebooks (`make
assignments`), `pack` writes the teacher's zip (`make teacher-pack`), `grade` grades a batch, `guard` fences the kernel
that runs learners' code, `mutation` tests the checks. All but `guard` need nbgrader (`pip install ".[classroom]"`).
"""
