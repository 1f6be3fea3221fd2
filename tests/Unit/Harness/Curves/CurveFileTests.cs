using Loadline.Harness;
using Loadline.Harness.Curves;

namespace Loadline.Unit.Harness.Curves;

/// <summary>What is measured can be read again.</summary>
public sealed class CurveFileTests
{
    [Fact]
    public void Lines_that_could_not_be_read_again_are_refused_before_they_are_measured()
    {
        var full = new CurveFile(CurveFile.CurrentSchema, Measured.Environment, [.. Enumerable.Range(0, 256).Select(i => new CurveLine($"{i}", "w", []) { Problem = "p" })]);

        full.RefuseMore("c.json", ["7"]);
        FluentActions.Invoking(() => full.RefuseMore("c.json", ["256"])).Should().Throw<InputException>().WithMessage("c.json: has 256 lines, and no room for more: name another file");
        FluentActions.Invoking(() => full.RefuseMore("c.json", [new string('n', 201)])).Should().Throw<InputException>().WithMessage("* is a name of 201 characters, more than the 200 *");
    }
}
