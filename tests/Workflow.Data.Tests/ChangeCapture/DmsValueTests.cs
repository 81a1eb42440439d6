using System.Text;
using Workflow.Data.ChangeCapture;

namespace Workflow.Data.Tests.ChangeCapture;

public sealed class DmsValueTests
{
    [Theory]
    [InlineData("12.500000", "12.5")]
    [InlineData("7.00", "7")]
    [InlineData("100", "100")]
    [InlineData("1e-05", "0.00001")]
    [InlineData("-1.25E+3", "-1250")]
    [InlineData("1.2345e2", "123.45")]
    [InlineData("0.5e1", "5")]
    [InlineData("-0.0e0", "-0")]
    [InlineData("1e-30", "0.000000000000000000000000000001")]
    [InlineData("1.7976931348623157e+3", "1797.6931348623157")]
    [InlineData("1e401", "1e401")]
    [InlineData("1.0e", "1.0e")]
    [InlineData("nothing", "nothing")]
    [InlineData("", "")]
    public void A_number_has_neither_an_exponent_nor_zeros_that_it_never_had(string written, string number) => Assert.Equal(number, Encoding.UTF8.GetString(DmsValue.Number(Encoding.UTF8.GetBytes(written))));

    [Theory]
    [InlineData("2024-03-01 10:00:00", "2024-03-01 10:00:00")]
    [InlineData("2024-03-01 10:00:00.123456", "2024-03-01 10:00:00.123456")]
    [InlineData("2024-03-01 10:00:00.123456789", "2024-03-01 10:00:00.123456")]
    [InlineData("2024-03-01 10:00:00.123456789 +01:00", "2024-03-01 10:00:00.123456+01:00")]
    [InlineData("2024-03-01T10:00:00.000 -05:30", "2024-03-01T10:00:00.000-05:30")]
    [InlineData("2024-03-01 10:00:00 +01:00", "2024-03-01 10:00:00+01:00")]
    [InlineData("2024-03-01 10:00:00.123456x", "2024-03-01 10:00:00.123456x")]
    [InlineData("2024-03-01 10:00:00.5 Europe/Berlin", "2024-03-01 10:00:00.5 Europe/Berlin")]
    [InlineData("soon", "soon")]
    public void A_moment_is_cut_to_microseconds_and_has_no_blank_before_its_offset(string written, string moment) => Assert.Equal(moment, Encoding.UTF8.GetString(DmsValue.Moment(Encoding.UTF8.GetBytes(written), isKey: false)));

    [Fact]
    public void A_key_is_not_cut() => Assert.Equal("2024-03-01 10:00:00.123456789+01:00", Encoding.UTF8.GetString(DmsValue.Moment("2024-03-01 10:00:00.123456789 +01:00"u8, isKey: true)));
}
