"""FHIR R4 and R5: a study's records read from resources, and plans, schedules, records and issues written as such."""
