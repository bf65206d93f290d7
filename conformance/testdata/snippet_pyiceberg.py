
# What somebody does with the catalog.
import pyarrow

catalog.create_namespace("notes")
table = catalog.create_table("notes.readings", schema=pyarrow.schema([("station", pyarrow.string())]))
table.append(pyarrow.table({"station": ["README.txt"]}))
print(type(table.io).__name__, table.scan().to_arrow().to_pydict())
