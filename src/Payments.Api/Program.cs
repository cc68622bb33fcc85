using Payments.Api;
using Payments.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("api");
builder.AddApi();

var app = builder.Build();
app.MapServiceDefaults();
app.MapApi();
return await app.RunServiceAsync(args);
