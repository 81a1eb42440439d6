using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Workflow.Data.CheckIns;

namespace Workflow.Data.Tests.CheckIns;

/// <summary>The text forms of check-ins.</summary>
public sealed class CheckInValueTests
{
    private static readonly string[] Genitives =
        ["января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"];

    [Theory]
    [InlineData("2018-11-26 14:47:36.0429 UTC", "2018-11-26T14:47:36.0429Z")]
    [InlineData("2018-12-20 00:00:00 UTC", "2018-12-20T00:00:00Z")]
    [InlineData("2020-02-29 23:59:59.999999 UTC", "2020-02-29T23:59:59.999999Z")]
    [InlineData("2018-11-26 14:47:36.1234567 UTC", "2018-11-26T14:47:36.123456Z")]
    [InlineData("2018-12-31 23:59:59.999999999 UTC", "2018-12-31T23:59:59.999999Z")]
    [InlineData("02/28/2018 12:00 AM", "2018-02-28T00:00:00Z")]
    [InlineData("02/28/2018 12:59 AM", "2018-02-28T00:59:00Z")]
    [InlineData("02/28/2018 12:00 PM", "2018-02-28T12:00:00Z")]
    [InlineData("02/28/2018 01:05 PM", "2018-02-28T13:05:00Z")]
    [InlineData("11/09/2018 11:59 PM", "2018-11-09T23:59:00Z")]
    [InlineData("26 сентября 2019 00:00", "2019-09-26T00:00:00Z")]
    [InlineData("5 мая 2019 09:07", "2019-05-05T09:07:00Z")]
    [InlineData("05 Мая 2019 09:07", "2019-05-05T09:07:00Z")]
    [InlineData("29 февраля 2020 23:59", "2020-02-29T23:59:00Z")]
    public void Every_form_is_read(string text, string instant)
    {
        Assert.True(CheckInTimestamp.TryRead(Encoding.UTF8.GetBytes(text), out var micros));
        Assert.Equal(DateTimeOffset.Parse(instant, System.Globalization.CultureInfo.InvariantCulture), DateTimeOffset.UnixEpoch.AddMicroseconds(micros));
    }

    [Theory]
    [InlineData("")]
    [InlineData("yesterday")]
    [InlineData("2018-11-26 14:47:36")]
    [InlineData("2018-11-26 14:47 UTC")]
    [InlineData("2018-11-26T14:47:36 UTC")]
    [InlineData("2018-11-26 14:47:36+03 UTC")]
    [InlineData("2018-11-26 14:47:36.1234567891 UTC")]
    [InlineData("2018-11-26 14:47:36.123456x UTC")]
    [InlineData("2018-11-26 14:47:36.123456+02 UTC")]
    [InlineData("2018-11-26 24:00:00 UTC")]
    [InlineData("2019-02-30 10:00:00 UTC")]
    [InlineData("2019-02-29 10:00:00 UTC")]
    [InlineData("02/30/2019 10:00 AM")]
    [InlineData("13/01/2019 10:00 AM")]
    [InlineData("02/28/2018 00:30 AM")]
    [InlineData("02/28/2018 13:00 PM")]
    [InlineData("02/28/2018 10:60 AM")]
    [InlineData("02/28/2018 10:00")]
    [InlineData("2/28/2018 10:00 AM")]
    [InlineData("02/28/0000 10:00 AM")]
    [InlineData("30 февраля 2019 10:00")]
    [InlineData("29 февраля 2019 10:00")]
    [InlineData("0 мая 2019 10:00")]
    [InlineData("26 сентябрь 2019 00:00")]
    [InlineData("5 май 2019 00:00")]
    [InlineData("26 september 2019 00:00")]
    [InlineData("26 сентября 2019 24:00")]
    [InlineData("26 сентября 2019")]
    [InlineData("26 сентября 19 10:00")]
    public void Nothing_else_is(string text) => Assert.False(CheckInTimestamp.TryRead(Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void Any_minute_is_read_from_each_form_as_itself() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2_000),
        Prop.ForAll(Gen.Choose(0, 100 * 365 * 24 * 60).ToArbitrary(), minutes =>
        {
            var time = new DateTime(1970, 1, 1).AddMinutes(minutes);
            var invariant = System.Globalization.CultureInfo.InvariantCulture;
            string[] forms =
            [
                time.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", invariant),
                time.ToString("MM/dd/yyyy hh:mm tt", invariant),
                $"{time.Day} {Genitives[time.Month - 1]} {time.ToString("yyyy HH:mm", invariant)}",
            ];
            return forms.All(form => CheckInTimestamp.TryRead(Encoding.UTF8.GetBytes(form), out var micros) && micros == minutes * 60_000_000L);
        }));

    [Theory]
    [InlineData("4.0", 400)]
    [InlineData("8", 800)]
    [InlineData("0.08", 8)]
    [InlineData(".5", 50)]
    [InlineData("1.005", 101)]
    [InlineData("-1.005", -101)]
    [InlineData("2.675", 268)]
    [InlineData("1.004999999999999999999999999999999999", 100)]
    [InlineData("0.005", 1)]
    [InlineData("-0.004", 0)]
    [InlineData("999.994", 99_999)]
    [InlineData("0.999", 100)]
    public void Hours_are_rounded_half_away_from_zero(string text, int hundredths)
    {
        Assert.True(CheckInHours.TryRead(Encoding.UTF8.GetBytes(text), out var read));
        Assert.Equal(hundredths, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("eight")]
    [InlineData("1,5")]
    [InlineData("1e1")]
    [InlineData("+1")]
    [InlineData("1.")]
    [InlineData("007")]
    [InlineData("1000")]
    [InlineData("999.995")]
    [InlineData("NaN")]
    public void Hours_are_numbers_that_fit(string text) => Assert.False(CheckInHours.TryRead(Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void Hours_agree_with_decimal_arithmetic() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2_000),
        Prop.ForAll(Gen.Choose(-9_999_999, 9_999_999).ToArbitrary(), tenthousandths =>
        {
            var value = tenthousandths / 10_000m;
            var text = value.ToString(System.Globalization.CultureInfo.InvariantCulture);
            return CheckInHours.TryRead(Encoding.UTF8.GetBytes(text), out var hundredths)
                ? hundredths == Math.Round(value, 2, MidpointRounding.AwayFromZero) * 100
                : Math.Abs(value) >= 999.995m;
        }));
}
