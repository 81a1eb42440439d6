create schema if not exists "hr";

create table "hr"."departments" (
    "department_id" smallint not null,
    "department_name" varchar(120) not null,
    "cost_centre" varchar(80),
    "budget" numeric(12,2) default 0 not null,
    constraint "dept_pk" primary key ("department_id"),
    unique ("cost_centre")
) diststyle key distkey ("department_id") sortkey ("department_id");

create table "hr"."employees" (
    "employee_id" integer not null,
    "first_name" varchar(20),
    "email" varchar(254) not null,
    "hired" timestamp default getdate() not null,
    "salary" numeric(8,2) default -1.5,
    "rate" numeric(38,10),
    "share" double precision,
    "score" double precision,
    "half" real,
    "grade" varchar(8) default 'A1',
    "rounded" integer,
    "tiny" numeric(4,4),
    "big" numeric(38,0) not null,
    "changed" timestamp default sysdate,
    "seen" timestamp with time zone,
    "here" timestamp with time zone,
    "resume" varchar(65535),
    "notes" varchar(65535),
    "photo" varbyte(1024000),
    "token" varbyte(16),
    "old_text" varchar(65535),
    "wide" varchar(65535),
    "Mixed Case" varchar(10) default 'it''s',
    "scores" varchar(65535),
    "numbered" bigint,
    "week" varchar(10),
    "boss_id" integer,
    "department_id" smallint,
    constraint "emp_email_uk" unique ("email"),
    constraint "emp_emp_id_pk" primary key ("employee_id")
) diststyle key distkey ("employee_id") sortkey ("employee_id");

create table "hr"."job_history" (
    "employee_id" integer not null,
    "start_date" timestamp not null,
    "ended" timestamp default timestamp '9999-12-31',
    constraint "jhist_pk" primary key ("employee_id", "start_date")
);

create table "hr"."numbered" (
    "id" bigint not null,
    "flag" smallint default 0 not null,
    primary key ("id")
) diststyle key distkey ("id") sortkey ("id");

alter table "hr"."employees" add constraint "emp_boss_fk" foreign key ("boss_id") references "hr"."employees" ("employee_id");

alter table "hr"."employees" add constraint "emp_dept_fk" foreign key ("department_id") references "hr"."departments";

comment on table "hr"."employees" is 'People; who''s who';

comment on column "hr"."employees"."salary" is 'A month''s';
