create schema if not exists "hr";

create sequence "hr"."employees_seq" increment by 1 minvalue 1 start with 207;

create table "hr"."departments" (
    "department_id" smallint not null,
    "department_name" varchar(30) constraint "dept_name_nn" not null,
    "cost_centre" varchar(20),
    "budget" numeric(12,2) default 0 not null,
    constraint "dept_pk" primary key ("department_id"),
    unique ("cost_centre")
);

create table "hr"."employees" (
    "employee_id" integer not null,
    "first_name" varchar(20),
    "email" varchar(254) not null,
    "hired" timestamp(0) default localtimestamp(0) not null,
    "salary" numeric(8,2) default -1.5,
    "rate" numeric,
    "share" double precision,
    "score" double precision,
    "half" real,
    "grade" char(2) default 'A1',
    "rounded" integer,
    "tiny" numeric(4,4),
    "big" numeric(38,0) not null,
    "changed" timestamp default localtimestamp,
    "seen" timestamp(3) with time zone,
    "here" timestamp with time zone,
    "resume" text,
    "notes" text,
    "photo" bytea,
    "token" bytea default decode(replace(gen_random_uuid()::text, '-', ''), 'hex'),
    "old_text" text,
    "wide" varchar(32767),
    "Mixed Case" varchar(10) default 'it''s',
    "scores" text,
    "numbered" bigint default nextval('"hr"."employees_seq"'),
    "week" varchar(10),
    "boss_id" integer,
    "department_id" smallint,
    constraint "emp_email_uk" unique ("email"),
    constraint "emp_emp_id_pk" primary key ("employee_id")
);

create table "hr"."job_history" (
    "employee_id" integer not null,
    "start_date" timestamp(0) not null,
    "ended" timestamp(0) default timestamp '9999-12-31',
    constraint "jhist_pk" primary key ("employee_id", "start_date")
);

create table "hr"."numbered" (
    "id" bigint not null,
    "flag" smallint default 0 not null,
    primary key ("id")
);

create index "emp_name_ix" on "hr"."employees" ("first_name", "hired" desc);

create unique index "dept_budget_ux" on "hr"."departments" ("budget", "department_name");

alter table "hr"."employees" add constraint "emp_salary_min" check ("salary" > 0 and "grade" in ('A1', 'B2') or coalesce("salary", 1) >= 1) not valid;

alter table "hr"."employees" add constraint "emp_boss_fk" foreign key ("boss_id") references "hr"."employees" ("employee_id") deferrable initially deferred;

alter table "hr"."employees" add constraint "emp_dept_fk" foreign key ("department_id") references "hr"."departments" on delete cascade;

comment on table "hr"."employees" is 'People; who''s who';

comment on column "hr"."employees"."salary" is 'A month''s';
