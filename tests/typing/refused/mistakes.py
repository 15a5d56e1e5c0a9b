"""What a type checker refuses: every line with a mistake says which; `tests/typing/test_refused.py` compares."""

from stoker import Job, Pipeline, place, read, write

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
