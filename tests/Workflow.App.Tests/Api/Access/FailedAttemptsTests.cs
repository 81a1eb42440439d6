using System.Net;
using Workflow.App.Api.Access;

namespace Workflow.App.Tests.Api.Access;

public sealed class FailedAttemptsTests
{
    private static readonly IPAddress Here = IPAddress.Parse("192.0.2.1");

    [Fact]
    public void An_address_that_sent_too_much_that_is_wrong_waits_and_others_do_not()
    {
        using var failures = new FailedAttempts(new() { FailuresPerMinute = 3 });
        for (var time = 0; time < 3; time++)
        {
            Assert.Null(failures.WaitFor(Here, $"wrong {time}"));
            failures.WasWrong(Here, $"wrong {time}");
        }

        Assert.InRange(failures.WaitFor(Here, "another")!.Value, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        Assert.Null(failures.WaitFor(IPAddress.Parse("192.0.2.2"), "another"));
    }

    [Fact]
    public void What_was_right_before_is_looked_at_until_it_is_wrong()
    {
        using var failures = new FailedAttempts(new() { FailuresPerMinute = 1 });
        failures.WasRight("mine");
        failures.WasWrong(Here, "theirs");

        Assert.Null(failures.WaitFor(Here, "mine"));
        failures.WasWrong(Here, "mine");
        Assert.NotNull(failures.WaitFor(Here, "mine"));
    }
}
