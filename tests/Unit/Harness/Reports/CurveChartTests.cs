using System.Text.RegularExpressions;
using System.Xml.Linq;
using Loadline.Harness.Budgets;
using Loadline.Harness.Curves;
using Loadline.Harness.Reports;

namespace Loadline.Unit.Harness.Reports;

public class CurveChartTests
{
    private const string Killed = "#d1495b", Thrashes = "#d99a2b", AtEase = "#2f9e6e";

    /// <summary>One that maps, and one that copies.</summary>
    internal static readonly CurveFile Curve = new(
        CurveFile.CurrentSchema,
        Measured.Environment,
        [
            new("maps <b>", "w", [Point(32, 1.5, 1), Point(64, 1.5, 1), Point(680, 0.5, 0), Point(1024, 0.5, 0), Point(24_000, 0.5, 0)]) { IsComplete = true },
            new("copies", "w", [Dead(512), Dead(660), Point(690, 1.2, 0), Point(1024, 1.1, 0), Point(24_000, 1.1, 0)]) { IsComplete = true },
            new("breaks", "w", []) { IsComplete = true, Problem = "it was refused" },
        ])
    {
        Checkpoint = "gpt2-small.pth",
        Passes = 3,
    };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Each_line_has_its_zones_over_the_caps_and_what_broke_is_left_out(bool wide)
    {
        var svg = XElement.Parse(CurveChart.Draw(Curve, wide));

        // One of each in the legend; the one that maps has no cap that kills it, the one that copies none under which it thrashes.
        Strokes(svg, Killed).Should().Be(1 + 1);
        Strokes(svg, Thrashes).Should().Be(1 + 1);
        Strokes(svg, AtEase).Should().Be(1 + 2);
        var texts = string.Join('\n', svg.Descendants().Where(e => e.Name.LocalName == "text").Select(e => e.Value));
        texts.Should().Contain("maps <b>").And.Contain("copies").And.NotContain("breaks").And.Contain("690 MiB").And.Contain("680 MiB");
    }

    [Fact]
    public void The_floor_is_a_cross_and_the_comfort_a_ring()
    {
        var svg = CurveChart.Draw(Curve);

        Regex.Count(svg, "l8 8m0 -8l-8 8").Should().Be(1, "only one was seen to die");
        Regex.Count(svg, """r="5" fill="none" """.TrimEnd()).Should().Be(1, "only one reads again below");
        svg.Should().Contain("<title>maps &lt;b&gt;, 64 MiB: thrashed, 1.50 s, a use 0.40 s, reread 1.00</title>").And.NotContain("<b>");
    }

    [Fact]
    public void A_line_alone_has_its_zones_behind_it() =>
        CurveChart.Draw(Curve with { Lines = [Curve.Lines[0]] }).Should().Contain($"fill=\"{Thrashes}\" opacity").And.Contain($"fill=\"{AtEase}\" opacity");

    [Fact]
    public void Nothing_measured_yet_is_an_empty_drawing() =>
        XElement.Parse(CurveChart.Draw(Curve with { Lines = [] })).Name.LocalName.Should().Be("svg");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_picture_is_replaced_by_a_newer_one(bool wide)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["c.svg"], CurveChart.Draw(Curve with { Checkpoint = "not \uffff" }, wide));

        CurveChart.IsOne(folder["c.svg"]).Should().BeTrue();
        XElement.Load(folder["c.svg"]).Name.LocalName.Should().Be("svg", "XML has no place for what is no character");
    }

    [Fact]
    public void Ends_lie_above_every_cap_at_which_it_did_not_hold()
    {
        var line = new CurveLine("n", "w", [Point(32, 1, 1), Dead(64), Point(128, 1, 0), Point(256, 1, 1), Point(512, 1, 0)]);

        (line.FloorBytes, line.ComfortBytes).Should().Be((128L << 20, 512L << 20));
        (line with { Points = [Dead(32)] }).FloorBytes.Should().BeNull();
    }

    private static int Strokes(XElement svg, string colour) => svg.Descendants().Count(e => e.Attribute("stroke")?.Value == colour);

    private static CurvePoint Point(long mib, double seconds, double reread) =>
        new(mib << 20, reread > 0 ? Outcome.Thrashed : Outcome.Loaded, 0.1, 0.4, seconds, reread);

    private static CurvePoint Dead(long mib) => new(mib << 20, Outcome.Killed, null, null, null, null);
}
