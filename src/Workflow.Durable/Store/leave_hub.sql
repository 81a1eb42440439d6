-- What enter_hub.sql found is found again.
SELECT set_config('search_path', current_setting('workflow.search_path'), true);
