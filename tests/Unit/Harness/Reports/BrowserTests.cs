using Loadline.Harness.Reports;
using Loadline.Harness.Runtimes;
using Microsoft.Playwright;

namespace Loadline.Unit.Harness.Reports;

/// <summary>The page in a real browser, Debian's Chromium: skipped where there is none, unless LOADLINE_REQUIRE names chromium.</summary>
public sealed class BrowserTests : IAsyncLifetime
{
    private static readonly string[] Places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private readonly TemporaryFolder _folder = new();
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        var path = Array.Find(Places, File.Exists);
        if (path is null && !Requirements.FromEnvironment().Demands("chromium")) return;
        Assert.True(path is not null, "LOADLINE_REQUIRE demands chromium, but it is not installed: apt-get install chromium");
        _playwright = await Playwright.CreateAsync();
        // As root, in a container without a display or a way out.
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = path,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        _playwright?.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(400, ColorScheme.Light)]
    [InlineData(400, ColorScheme.Dark)]
    [InlineData(1400, ColorScheme.Light)]
    [InlineData(1400, ColorScheme.Dark)]
    public async Task The_page_is_readable(int width, ColorScheme scheme)
    {
        Assert.SkipWhen(_browser is null, "no Chromium is installed: apt-get install chromium");
        var results = Measured.File(Measured.Loaded(), Measured.Killed(), Measured.Missed());
        ResultPage.Write(results, _folder["page.html"]);
        await using var context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize
            {
                Width = width,
                Height = 900,
            },
            ColorScheme = scheme,
        });
        var page = await context.NewPageAsync();
        List<string> said = [], requests = [];
        page.Console += (_, message) => said.Add(message.Text);
        page.PageError += (_, error) => said.Add(error);
        page.Request += (_, request) => requests.Add(request.Url);

        await page.GotoAsync($"file://{_folder["page.html"]}");

        said.Should().BeEmpty();
        requests.Where(url => !url.StartsWith("data:")).Should().Equal($"file://{_folder["page.html"]}");
        (await page.EvaluateAsync<int>("document.documentElement.scrollWidth")).Should().BeLessThanOrEqualTo(width, "nothing stands out on the right");
        (await page.EvaluateAsync<int[]>("[...document.querySelectorAll('svg .area.anon')].map(a => Math.round(a.getBoundingClientRect().height * a.getBoundingClientRect().width))"))
            .Should().HaveCount(3).And.OnlyContain(area => area > 5000, "every chart is drawn");
        (await page.EvaluateAsync<double>("Math.min(...[...document.querySelectorAll('svg text')].map(t => t.getBoundingClientRect().height))")).Should().BeGreaterThan(10, "letters can be read");
        (await page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor")).Should().Be(scheme == ColorScheme.Dark ? "rgb(21, 24, 27)" : "rgb(251, 251, 250)");
        (await page.EvaluateAsync<int>("document.querySelectorAll('script').length")).Should().Be(0);
    }

    [Theory]
    [InlineData(400, ColorScheme.Light)]
    [InlineData(400, ColorScheme.Dark)]
    [InlineData(1400, ColorScheme.Light)]
    [InlineData(1400, ColorScheme.Dark)]
    public async Task The_page_of_a_curve_is_readable(int width, ColorScheme scheme)
    {
        Assert.SkipWhen(_browser is null, "no Chromium is installed: apt-get install chromium");
        File.WriteAllText(_folder["curve.html"], CurvePage.Of(CurveChartTests.Curve));
        await using var context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize
            {
                Width = width,
                Height = 900,
            },
            ColorScheme = scheme,
        });
        var page = await context.NewPageAsync();
        List<string> said = [];
        page.Console += (_, message) => said.Add(message.Text);

        await page.GotoAsync($"file://{_folder["curve.html"]}");

        said.Should().BeEmpty();
        (await page.EvaluateAsync<int>("document.documentElement.scrollWidth")).Should().BeLessThanOrEqualTo(width, "nothing stands out on the right");
        const string Shown = "[...document.querySelectorAll('svg')].filter(s => s.getBoundingClientRect().width > 0)";
        (await page.EvaluateAsync<int>($"{Shown}.length")).Should().Be(1, "one picture, for this width");
        (await page.EvaluateAsync<double>($"Math.min(...{Shown}.flatMap(s => [...s.querySelectorAll('text')]).map(t => t.getBoundingClientRect().height))")).Should().BeGreaterThan(10, "letters can be read");
        (await page.EvaluateAsync<double>($"Math.max(...{Shown}.flatMap(s => [...s.querySelectorAll('text, path')].map(t => t.getBoundingClientRect().right - s.getBoundingClientRect().right)))"))
            .Should().BeLessThanOrEqualTo(1, "all of it lies inside");
    }
}
