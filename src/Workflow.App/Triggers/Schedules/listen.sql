-- Hears what notify.sql says. The channel carries the schema's name, as the hub's does.
DO $$ BEGIN EXECUTE format('LISTEN %I', 'schedules_' || current_schema()); END $$;
