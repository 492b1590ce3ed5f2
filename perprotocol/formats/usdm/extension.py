def overlay(draft, file): return draft.document
