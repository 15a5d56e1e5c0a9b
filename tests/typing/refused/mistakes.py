"""What a type checker refuses: every line with a mistake says which; `tests/typing/test_refused.py` compares."""

from stoker import Job, Pipeline, check, place, read, write
from stoker.testing import assert_frames_equal, run_pipeline

source = read.csv("a.csv", schema="id int")
Pipeline("p", extract=[source])  # mistake: arg-type
Pipeline("p", extract={"a": "path"})  # mistake: dict-item
Pipeline("p", extract={"a": source}, load="lake")  # mistake: arg-type
Pipeline("p", {"a": source})  # mistake: misc call-arg
write.parquet("x")  # mistake: call-arg
write.postgres("x", mode="replace")  # mistake: call-arg
write.csv("x", mode="replace", files="1")  # mistake: arg-type
write.csv("x", mode="replace", files=1, name=place("lake"))  # mistake: arg-type
read.csv("x")  # mistake: call-arg
place("lake") / 5  # mistake: operator
Job("j", source)  # mistake: arg-type
Job("j", [source])  # mistake: list-item
check.not_null(1)  # mistake: arg-type
check.unique(["a", "b"])  # mistake: arg-type
check.values("a", 1)  # mistake: arg-type
check.between("a", 1)  # mistake: call-arg
write.parquet("x", mode="replace", checks=["unique"])  # mistake: list-item
assert_frames_equal("id:int", [1])  # mistake: arg-type
assert_frames_equal("id:int", "id:int", rtol="1e-9")  # mistake: arg-type
run_pipeline(Pipeline("p", extract={"a": source}), {"a": 5})  # mistake: dict-item
run_pipeline("p", {"a": "id:int"})  # mistake: arg-type
