using System.Text;
using Loadline.Checkpoints.Files;
using Loadline.Harness.Curves;
using Loadline.Harness.Reports;

namespace Loadline.Harness.Commands;

/// <summary>The files of a curve.</summary>
internal sealed record CurveFiles(string? Results, string? Svg, string? Html)
{
    /// <summary>Before the first run: what cannot be written, or would cost another file.</summary>
    public void Refuse()
    {
        OutputTargets.RefuseUnwritable(Results, Svg, Html);
        OutputTargets.RefuseOther(Html, ResultPage.IsOne, "is no page of Loadline's");
        OutputTargets.RefuseOther(Svg, CurveChart.IsOne, "is no picture of a curve");
        _ = Begin();
    }

    /// <summary>What is there already; null where nothing is.</summary>
    public CurveFile? Begin() => Results is not null && File.Exists(Results) ? CurveFile.Read(Results) : null;

    /// <summary>Writes what was asked for beside the results.</summary>
    public void Draw(CurveFile curve)
    {
        if (Svg is not null) WholeFile.Write(Svg, Encoding.UTF8.GetBytes(CurveChart.Draw(curve)));
        if (Html is not null) WholeFile.Write(Html, Encoding.UTF8.GetBytes(CurvePage.Of(curve)));
    }
}
